// hostile/stk_generator_delegate.js
// expect: STK - run ends with a stack-overflow / recursion-limit script error; process alive
// note: yield* is native: no call depth sees it
function* g(){ yield* g() } g().next();
