// hostile/pan_throw_proxy_panic.js
// expect: ERR - run ends with an ordinary script error (no Go panic escapes, no crash); process alive
// note: the same, with a trap out of which the engine panics
throw new Proxy({}, {getPrototypeOf(){ const a=[3,2,1]; a.sort((x,y)=>{ a.length=0; return x-y }) }});
