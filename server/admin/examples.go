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
	}
}

func exampleScript() api.Script {
	return api.Script{
		Name: "orders/fulfil", File: "scripts/orders/fulfil.ts", State: api.Stale, Revision: exampleRevision, LoadedAt: exampleTime(),
		Handlers: []string{"run", "fetch"}, Config: json.RawMessage(`{"http":{"path":"/orders","method":["POST"]}}`),
		Routes: []api.Route{{Path: "/orders", Methods: []string{"POST"}, Handler: "fetch"}}, Bytes: 5120,
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
