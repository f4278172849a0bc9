// hostile/host_log_sparse.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// throwaway in-process guard, deadline 2 s: completes (4 ms)
const a=[]; a.length=2**32-1; console.log(a); console.log("m", {a}); console.table(a); console.dir(a);
