package crashtest

import (
	"strings"
	"time"

	"reprise/runtime"
)

const (
	order    = `{"id":"o1","items":[{"sku":"mug","quantity":2}],"total":2400,"address":{"name":"Ada","country":"GB"}}`
	atlantis = `{"id":"o2","items":[{"sku":"mug","quantity":2}],"total":2400,"address":{"name":"Ada","country":"Atlantis"}}`
)

// examples are runs of the example scripts.
var examples = []scenario{
	{name: "hello", script: "hello", input: `{"name":"Ada"}`},
	{name: "fulfil", script: "orders/fulfil", input: order, doubt: true},
	{name: "fulfil-undone", script: "orders/fulfil", input: atlantis, status: runtime.Failed, doubt: true},
	{name: "returns", script: "orders/returns", input: `{"charge":"ch_1","amount":2400}`},
	{name: "returns-agreed", script: "orders/returns", input: `{"charge":"ch_1","amount":90000}`, acts: []act{answers("Refund 900.00 for ch_1?", `{"agreed":true}`)}},
	{name: "returns-timeout", script: "orders/returns", input: `{"charge":"ch_1","amount":90000}`, status: runtime.Failed},
	{name: "contacts", script: "sync/contacts"},
}

// nasty are runs of scripts that make it hard.
var nasty = []scenario{
	{name: "race", script: "race"},
	{name: "parallel", script: "parallel"},
	{name: "steps", script: "steps", status: runtime.Failed},
	{name: "timeouts", script: "timeouts"},
	{name: "timers", script: "timers"},
	{name: "signals", script: "signals", acts: []act{
		signals("go", `1`), signals("go", `2`), waits("signal"), signals("go", `3`), sleeps(20 * time.Second), signals("go", `4`), signals("never taken", `5`),
	}},
	{name: "ask", script: "ask", acts: []act{waits("ask"), answers("May it?", `{"ok":true}`)}},
	{name: "children", script: "children"},
	{name: "children-cancelled", script: "family", acts: []act{waits("run"), cancels}, status: runtime.Cancelled},
	{name: "children-killed", script: "family", acts: []act{waits("run"), kills}, status: runtime.Cancelled},
	{name: "continue", script: "continue", input: `{"n":0}`},
	{name: "counters", script: "counters"},
	{name: "publish", script: "publishing"},
	{name: "big", script: "big", input: `"` + strings.Repeat("i", 70<<10) + `"`},
	{name: "errors", script: "errors", status: runtime.Failed},
	{name: "retries", script: "retries"},
	{name: "openwrites", script: "openwrites"},
	{name: "waituntil", script: "waituntil"},
	{name: "cancel", script: "cancelled", acts: []act{waits("timer"), cancels}, status: runtime.Cancelled},
	{name: "cancel-busy", script: "busy", acts: []act{sleeps(time.Second), cancels}, status: runtime.Cancelled},
	{name: "kill-busy", script: "busy", acts: []act{sleeps(time.Second), kills}, status: runtime.Cancelled},
	{name: "pause-busy", script: "pausable", acts: []act{sleeps(time.Second), pauses, sleeps(time.Minute), resumes("user")}},
	{name: "held", script: "held", acts: []act{resumes("failure")}, status: runtime.Failed},
	{name: "onfailed", script: "onfailed", status: runtime.Failed},
	{name: "queue", script: "queue"},
	{name: "random", script: "random"},
	{name: "generators", script: "generators"},
	{name: "strict", script: "strict"},
	{name: "indoubt-retry", script: "doubtful"},
	{name: "flow", script: "flow"},
	{name: "sagas", script: "sagas", status: runtime.Failed},
	{name: "pages", script: "pages"},
	{name: "catch-all", script: "catchall", acts: []act{waits("timer"), cancels}, status: runtime.Cancelled},
}

func all() []scenario { return append(append([]scenario(nil), examples...), nasty...) }
