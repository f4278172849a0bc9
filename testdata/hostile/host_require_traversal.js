// hostile/host_require_traversal.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (20 ms)
for(const p of ["../../../../etc/passwd","/etc/passwd","file:///etc/passwd","a/../../b","\u0000","C:\\x","./"+"a/".repeat(10000)]) { try{ require(p); result="opened" }catch{} try{ __reprise.module(p); result="opened" }catch{} }
