// hostile/pan_default_getter_loop.js
// expect: INT - run ends with the host deadline/cancel error within deadline+1s; process alive; other scripts keep running
// note: reading the result runs getters
result={get a(){ for(;;); }};
