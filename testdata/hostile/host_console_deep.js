// hostile/host_console_deep.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (12 ms)
let o={}; for(let i=0;i<100000;i++) o={o}; console.log(o); console.log("m", o);
