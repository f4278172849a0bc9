// hostile/load_big_array_literal.js
// expect: ANY - run completes or errors within deadline+1s with bounded RSS growth; process alive
// note: 600 KB of data in source
// plain goja, Interrupt at 3 s: completes (790 ms)
// throwaway in-process guard, deadline 2 s: rejected before run: source too large
const a=[@repeat(300000,1,)@];
