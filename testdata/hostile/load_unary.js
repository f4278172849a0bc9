// hostile/load_unary.js
// expect: SYN - rejected at load or eval time with a syntax / too-complex error in <1s; process alive
// plain goja, Interrupt at 3 s: stopped by Interrupt, 848 MB RSS
// throwaway in-process guard, deadline 2 s: rejected before run: source too large
@repeat(1100000,!)@1
