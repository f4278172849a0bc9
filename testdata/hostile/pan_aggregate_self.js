// hostile/pan_aggregate_self.js
// expect: ERR - run ends with an ordinary script error (no Go panic escapes, no crash); process alive
// note: an error among its own reasons
const e=new AggregateError([],"x"); e.errors.push(e); throw e;
