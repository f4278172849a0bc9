// hostile/stk_nested_export_obj.js
// expect: ANY - run completes or errors within deadline+1s with bounded RSS growth; process alive
// note: same, objects
// plain goja, Interrupt at 3 s: stopped by Interrupt
// plain goja + SetMaxCallStackSize(1000): PROCESS DIES: Go stack overflow (fatal, not recoverable), 3858 MB RSS [30 s deadline]
// throwaway in-process guard, deadline 2 s: stopped by Interrupt, 482 MB RSS
let o={}; for(let i=0;i<5000000;i++) o={o}; result=o;
