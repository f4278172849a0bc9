// hostile/cpu_regex_lookahead.js
// expect: INT - run ends with the host deadline/cancel error within deadline+1s; process alive; other scripts keep running
// note: exponential in the length, behind a lookahead
/^(?=(a+)+$)(a+)+$/.test("a".repeat(40)+"!");
