// hostile/mem_uint8array_arraylike.js
// expect: LIM - run ends with a script-visible error (RangeError or host limit error) in <1s with bounded RSS growth; process alive
// note: bytes for what is like an array
new Uint8Array({length:2**40});
