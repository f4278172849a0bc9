// hostile/mem_replaceall_long.js
// expect: LIM - run ends with a script-visible error (RangeError or host limit error) in <1s with bounded RSS growth; process alive
// note: a million matches, a megabyte each
"a".repeat(1e6).replaceAll("a","b".repeat(1e6));
