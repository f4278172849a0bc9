// hostile/mem_join_separator.js
// expect: LIM - run ends with a script-visible error (RangeError or host limit error) in <1s with bounded RSS growth; process alive
// note: separators of a megabyte, a million times
Array(2**20).join("x".repeat(2**20));
