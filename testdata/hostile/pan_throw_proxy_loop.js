// hostile/pan_throw_proxy_loop.js
// expect: INT - run ends with the host deadline/cancel error within deadline+1s; process alive; other scripts keep running
// note: what looks for a Go error in an exception asks the thrown value for its prototype
throw new Proxy({}, {getPrototypeOf(){ for(;;); }});
