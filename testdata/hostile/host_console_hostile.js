// hostile/host_console_hostile.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (34 ms)
{ const o={}; o.o=o; console.log(o, Symbol("s"), 1n, null, undefined, new Proxy({}, {get(){throw 1},ownKeys(){throw 2}}), {toString(){throw 3}}, {toJSON(){throw 4}}, Object.create(null)); console.log("%s %d %o %j %%", {}, "x"); console.log() }
