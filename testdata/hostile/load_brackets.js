// hostile/load_brackets.js
// expect: SYN - rejected at load or eval time with a syntax / too-complex error in <1s; process alive
// plain goja, Interrupt at 3 s: PROCESS DIES: Go stack overflow (fatal, not recoverable), 1033 MB RSS
// throwaway in-process guard, deadline 2 s: rejected before run: source too large
@repeat(260000,[)@@repeat(260000,])@
