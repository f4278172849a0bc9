// What the OpenAPI document shows as answers. They are values of the same
// types that endpoints answer with, so they can not go stale.

package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/api"
	"reprise/server/problem"
)

const (
	exampleID       = "01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e5f"
	exampleRevision = "9f2c51d0a7be"
)

func exampleTime() time.Time { return time.Date(2026, 11, 22, 9, 30, 12, 345e6, time.UTC) }

func exampleServer() api.Server {
	return api.Server{
		Version: "0.1.0", Boot: "b7c1d2", StartedAt: exampleTime(), Mode: "dev", Addr: "127.0.0.1:8080",
		ScriptsURL: "http://127.0.0.1:8080", Project: "/home/ada/shop", Scripts: 12,
		Workers: &api.Workers{Count: 4, Alive: 4, Memory: 175 << 20, MemoryLimit: 512 << 20, Sandbox: "ok", Ended: 1},
	}
}

func exampleScript() api.Script {
	return api.Script{
		Name: "orders/fulfil", File: "scripts/orders/fulfil.ts", State: api.Stale, Revision: exampleRevision, LoadedAt: exampleTime(),
		Handlers: []string{"run", "fetch", "scheduled"},
		Config:   json.RawMessage(`{"http":{"path":"/orders","method":["POST"]},"schedule":{"cron":"0 6 * * *"}}`),
		Schedule: json.RawMessage(`{"cron":"0 6 * * *"}`), NextRuns: []time.Time{time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)},
		Limits: &api.Limits{
			TurnCPU: "1s", RunCPU: "30s", Timeout: "30s", CallsInFlight: 64, Calls: 100_000, CallDepth: 1000,
			Body: 32 << 20, Result: 8 << 20, KVValue: 1_000_000, LogRate: 200, Source: 4 << 20,
		},
		Routes: []api.Route{{Path: "/orders", Methods: []string{"POST"}, Handler: "fetch"}}, Bytes: 5120,
		Apart: &api.Apart{Until: exampleTime().Add(30 * time.Second)},
		Stats: runtime.Stats{Requests: 120, Failures: 2, Running: 1, LastActivity: exampleTime()},
		Error: &api.ScriptError{
			Name: "CompileError", Code: string(call.CodeCompile), Message: "scripts/orders/fulfil.ts:3:9: Expected \";\" but found \"is\"",
			Src: &call.Position{File: "scripts/orders/fulfil.ts", Line: 3, Column: 9}, Frame: "  2 | \n> 3 | this is\n    |      ^",
		},
	}
}

func exampleRun(status runtime.Status) runtime.Run {
	started, ended := exampleTime(), exampleTime().Add(1200*time.Millisecond)
	run := runtime.Run{
		ID: exampleID, Script: "orders/fulfil", Revision: exampleRevision, Handler: "run", Status: status,
		Input: json.RawMessage(`{"orderId":"o_1"}`), CreatedAt: started, StartedAt: &started,
	}
	switch status {
	case runtime.Succeeded:
		run.Output, run.EndedAt = json.RawMessage(`{"status":"done"}`), &ended
	case runtime.Failed:
		run.EndedAt = &ended
		run.Error = &call.Error{
			Name: "HTTPError", Code: string(call.CodeHTTP), Message: "POST https://pay.example.com/charges answered 503 Service Unavailable",
			Stack: "HTTPError: …\n    at scripts/orders/fulfil.ts:21:16", Data: json.RawMessage(`{"status":503}`),
		}
	}
	return run
}

func exampleEntry() logs.Entry {
	return logs.Entry{
		Seq: 1042, Time: exampleTime(), Level: logs.Info, Kind: logs.KindConsole, Script: "orders/fulfil", Revision: exampleRevision,
		Run: exampleID, Turn: 3, Msg: "reserved", Fields: json.RawMessage(`{"hold":"h_1"}`),
		Src: &call.Position{File: "scripts/orders/fulfil.ts", Line: 12, Column: 5},
	}
}

func exampleProblem() *problem.Problem {
	return problem.New(http.StatusNotFound, call.CodeNotFound, "there is no script orders/fulfill")
}

func exampleJournal() api.Journal {
	at, later := exampleTime(), exampleTime().Add(240*time.Millisecond)
	return api.Journal{Records: []runtime.JournalRecord{
		{Seq: 1, Kind: "started", At: &at, Text: "orders/fulfil started, revision " + exampleRevision, Data: json.RawMessage(`{"script":"orders/fulfil","input":{"orderId":"o_1"}}`)},
		{Seq: 2, Kind: "turn", At: &at, Text: "turn 1: POST warehouse /holds (call 1)", Data: json.RawMessage(`{"turn":1,"calls":[{"call":1,"kind":"http.request","target":"warehouse"}]}`)},
		{Seq: 3, Kind: "outcome", At: &later, Text: "call 1: 201 Created", Data: json.RawMessage(`{"call":1}`)},
	}}
}

func exampleDivergence() *runtime.Divergence {
	ref := func(line int) runtime.CallRef {
		return runtime.CallRef{Call: 2, Target: "payments", Src: &call.Position{File: "scripts/orders/fulfil.ts", Line: line, Column: 16}}
	}
	return &runtime.Divergence{
		Turn: 2, Revision: exampleRevision, Message: "turn 2 made the call POST payments /charge, and the journal has POST payments /charges",
		Expected: &runtime.CallDetail{CallRef: ref(21), Kind: "http.request", Args: json.RawMessage(`{"path":"/charges"}`)},
		Got:      &runtime.CallDetail{CallRef: ref(22), Kind: "http.request", Args: json.RawMessage(`{"path":"/charge"}`)},
	}
}

func exampleReplay() runtime.ReplayReport {
	return runtime.ReplayReport{
		Run: exampleID, Revision: exampleRevision, Turns: 3, Result: "same", Output: json.RawMessage(`{"status":"done"}`),
		Logs: []runtime.ReplayLine{{Turn: 3, Level: "info", Msg: "reserved", Fields: json.RawMessage(`{"hold":"h_1"}`)}},
		Calls: []runtime.ReplayCall{{
			CallDetail: runtime.CallDetail{CallRef: runtime.CallRef{Call: 1, Target: "warehouse"}, Kind: "http.request"}, Turn: 1, Answered: true,
		}},
	}
}

func exampleCheck() runtime.CheckReport {
	return runtime.CheckReport{
		Script: "orders/fulfil", Revision: "c01dcafe1234", Same: 1, Diverge: 1,
		Runs: []runtime.CheckRun{
			{Run: exampleID, Status: runtime.Waiting, Revision: exampleRevision, Turns: 3, Result: "same"},
			{Run: "01936f31-02aa-7c55-b1f0-5d4c3b2a1908", Status: runtime.Succeeded, Revision: exampleRevision, Turns: 2, Result: "diverges", Divergence: exampleDivergence()},
		},
	}
}
