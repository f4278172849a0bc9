// hostile/host_kv_bad_keys.js
// expect: HOST - host API refuses past its per-run quota with a script error; process alive; memory and goroutines return to baseline after the run
// plain goja, Interrupt at 3 s: completes (0 ms)
// throwaway in-process guard, deadline 2 s: completes (5 ms)
// uses: kv
for(const x of ["", "\u0000","../x","k".repeat(1e6),null,undefined,{},Symbol("s"),"\ud800",["a","\u0000"],[{}],[[]],new Array(2**32-1),{length:2**53-1}]) { try{ kv.set(x,{}).catch(()=>{}) }catch{} try{ kv.get(x).catch(()=>{}) }catch{} }
