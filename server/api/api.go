package api

import (
	"encoding/json"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
)

// Server describes the running server.
type Server struct {
	Version    string    `json:"version" example:"0.1.0"`
	Boot       string    `json:"boot" doc:"Changes whenever the server starts; part of a tail's cursor"`
	StartedAt  time.Time `json:"startedAt"`
	Mode       string    `json:"mode" enum:"dev,serve"`
	Addr       string    `json:"addr" doc:"Where scripts are served" example:"127.0.0.1:8080"`
	ScriptsURL string    `json:"scriptsUrl" example:"http://127.0.0.1:8080"`
	Project    string    `json:"project" doc:"The project's folder"`
	Scripts    int       `json:"scripts" doc:"How many there are"`
}

// The states of a script.
const (
	Live   = "live"   // the newest save serves
	Stale  = "stale"  // the newest save failed to load; the last good revision serves
	Broken = "broken" // there never was a good revision
)

// Script is one script, its current revision and what became of its last save.
type Script struct {
	Name     string          `json:"name" example:"orders/fulfil"`
	File     string          `json:"file" example:"scripts/orders/fulfil.ts"`
	State    string          `json:"state" enum:"live,stale,broken"`
	Revision string          `json:"revision,omitempty" doc:"The revision that serves" example:"9f2c51d0a7be"`
	LoadedAt time.Time       `json:"loadedAt,omitzero"`
	Handlers []string        `json:"handlers" nullable:"false" doc:"What it exports: run, fetch, scheduled"`
	Config   json.RawMessage `json:"config,omitempty" doc:"Its config, as written"`
	Routes   []Route         `json:"routes" nullable:"false" doc:"Where it answers on the script origin"`
	Bytes    int64           `json:"bytes" doc:"Size of the bundle"`
	Stats    runtime.Stats   `json:"stats" doc:"Since the server started"`
	Error    *ScriptError    `json:"error,omitempty" doc:"Why the newest save does not serve"`
}

// Route is one place a script answers at.
type Route struct {
	Path    string   `json:"path" example:"/orders"`
	Methods []string `json:"methods" nullable:"false" doc:"Empty means all"`
	Handler string   `json:"handler" example:"fetch"`
}

// ScriptError says why a script's newest save does not serve.
type ScriptError struct {
	Name    string         `json:"name" example:"CompileError"`
	Code    string         `json:"code,omitempty" example:"COMPILE_ERROR"`
	Message string         `json:"message"`
	Stack   string         `json:"stack,omitempty"`
	Src     *call.Position `json:"src,omitempty" doc:"Where, in the user's own source"`
	Frame   string         `json:"frame,omitempty" doc:"The line, with a caret below it"`
	// Problems are all that is wrong, when it is more than one thing.
	Problems []SourceProblem `json:"problems,omitempty" nullable:"false"`
}

// SourceProblem is one thing that is wrong with a source.
type SourceProblem struct {
	Message string         `json:"message"`
	Src     *call.Position `json:"src,omitempty"`
	Frame   string         `json:"frame,omitempty"`
	Notes   []string       `json:"notes,omitempty" nullable:"false"`
}

// Scripts is the list of scripts, by name.
type Scripts struct {
	Scripts []Script `json:"scripts" nullable:"false"`
}

// StartRun asks for a run.
type StartRun struct {
	Script         string          `json:"script" minLength:"1" doc:"The script's name" example:"orders/fulfil"`
	Input          json.RawMessage `json:"input,omitempty" doc:"Any JSON value; absent means undefined"`
	IdempotencyKey string          `json:"idempotencyKey,omitempty" maxLength:"256" doc:"The same key again, for the same script, returns the same run; with another input it is refused"`
	Wait           string          `json:"wait,omitempty" doc:"How long to wait for the run's end, at most 5m" example:"10s"`
}

// Runs is one page of runs, newest first.
type Runs struct {
	Runs   []runtime.Run `json:"runs" nullable:"false"`
	Cursor string        `json:"cursor,omitempty" doc:"Where the next page starts; absent on the last one"`
}

// Logs is one page of the log.
type Logs struct {
	Entries []logs.Entry `json:"entries" nullable:"false"`
	Next    uint64       `json:"next,omitempty" doc:"The from of the next page or, descending, its to; absent on the last one"`
}
