// hostile/cpu_promise_then_native.js
// expect: INT - run ends with the host deadline/cancel error within deadline+1s; process alive; other scripts keep running
// note: microtasks that are native only
const t={}; t.then=Promise.resolve.bind(Promise,t); Promise.resolve(t);
