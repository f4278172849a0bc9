// hostile/pan_export_sparse_obj.js
// expect: LIM - run ends with a script-visible error (RangeError or host limit error) in <1s with bounded RSS growth; process alive
// note: same, nested in an options-like object
// plain goja, Interrupt at 3 s: PROCESS DIES: Go out of memory (fatal, not recoverable)
// throwaway in-process guard, deadline 2 s: completes (17 ms)
const a=[]; a.length=2**31; result=({rows:a});
