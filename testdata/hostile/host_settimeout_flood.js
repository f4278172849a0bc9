// hostile/host_settimeout_flood.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (28 ms)
for(;;) setTimeout(()=>{},1e9);
