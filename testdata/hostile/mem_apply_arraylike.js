// hostile/mem_apply_arraylike.js
// expect: LIM - run ends with a script-visible error (RangeError or host limit error) in <1s with bounded RSS growth; process alive
// note: arguments of what is like an array
Math.max.apply(null,{length:2**30});
