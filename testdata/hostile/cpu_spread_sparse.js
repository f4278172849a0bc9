// hostile/cpu_spread_sparse.js
// expect: INT - run ends with the host deadline/cancel error within deadline+1s; process alive; other scripts keep running
// note: native iteration over nothing
const a=[]; a.length=2**32-1; [...a];
