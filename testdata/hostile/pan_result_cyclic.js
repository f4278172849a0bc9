// hostile/pan_result_cyclic.js
// expect: ERR - run ends with an ordinary script error (no Go panic escapes, no crash); process alive
// note: host encoding must not loop
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (8 ms)
const o={}; o.o=o; o.a=[o]; result=o;
