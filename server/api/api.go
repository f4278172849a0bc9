package api

import (
	"encoding/json"
	"time"

	"reprise/connections"
	"reprise/connections/vault"
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
	Workers    *Workers  `json:"workers,omitempty" doc:"The processes that execute the scripts"`
}

// Workers are the processes that execute the scripts.
type Workers struct {
	Count       int    `json:"count" doc:"How many there should be; with 0, the server executes the scripts itself" example:"4"`
	Alive       int    `json:"alive" doc:"How many there are" example:"4"`
	Memory      int64  `json:"memory" doc:"Resident memory of all of them, in bytes; 0 where the system does not say" example:"183500800"`
	MemoryLimit int64  `json:"memoryLimit" doc:"What each may take, in bytes" example:"536870912"`
	Sandbox     string `json:"sandbox" doc:"How well scripts are confined: ok, or what is missing" example:"ok"`
	Ended       uint64 `json:"ended" doc:"How many have ended and were not told to, since the server started"`
}

// The states of a script.
const (
	Live   = "live"   // the newest save serves
	Stale  = "stale"  // the newest save failed to load; the last good revision serves
	Broken = "broken" // there is no good revision
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
	Limits   *Limits         `json:"limits,omitempty" doc:"What it may use: what its config says, or the default, and no more than the server allows"`
	Stats    runtime.Stats   `json:"stats" doc:"Since the server started"`
	Error    *ScriptError    `json:"error,omitempty" doc:"Why the newest save does not serve"`
	Apart    *Apart          `json:"apart,omitempty" doc:"There while the revision that serves is kept apart: a turn of it has ended its worker process"`
	Schedule json.RawMessage `json:"schedule,omitempty" doc:"Its config.schedule, as written"`
	NextRuns []time.Time     `json:"nextRuns,omitempty" nullable:"false" doc:"When the schedule starts it next, at most five times"`
}

// Apart says that what begins of a revision executes in a process where it is alone.
type Apart struct {
	Until time.Time `json:"until" doc:"When that is over, unless it ends that process, too"`
}

// Limits are what a script may use: times as text, sizes in bytes.
type Limits struct {
	TurnCPU       string `json:"turnCpu" doc:"CPU time of a turn" example:"1s"`
	RunCPU        string `json:"runCpu" doc:"CPU time of all turns of a run" example:"30s"`
	Timeout       string `json:"timeout" doc:"Wall time of a fetch request (config.timeout)" example:"30s"`
	CallsInFlight int64  `json:"callsInFlight" doc:"Calls of a run performed at the same time" example:"64"`
	Calls         int64  `json:"calls" doc:"Calls of a run" example:"100000"`
	CallDepth     int64  `json:"callDepth" doc:"Depth of the call stack" example:"1000"`
	Body          int64  `json:"body" doc:"Body of a request or an answer, in bytes" example:"33554432"`
	Result        int64  `json:"result" doc:"Result of a run or answer that the script made itself, in bytes" example:"8388608"`
	KVValue       int64  `json:"kvValue" doc:"Value of the key-value store, in bytes" example:"1000000"`
	LogRate       int64  `json:"logRate" doc:"Lines printed in a second" example:"200"`
	Source        int64  `json:"source" doc:"Sources with all imports, in bytes" example:"4194304"`
}

// Route is one place a script answers at.
type Route struct {
	Path    string   `json:"path" example:"/orders"`
	Methods []string `json:"methods" nullable:"false" doc:"Empty means all"`
	Handler string   `json:"handler" enum:"fetch,run" doc:"run: a request starts a run" example:"fetch"`
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

// Deliveries is one page of what webhooks delivered, newest first.
type Deliveries struct {
	Deliveries []runtime.Delivery `json:"deliveries" nullable:"false"`
	Cursor     string             `json:"cursor,omitempty" doc:"Where the next page starts; absent on the last one"`
}

// ResumeRun lets a paused or diverged run go on.
type ResumeRun struct {
	InDoubt string `json:"inDoubt,omitempty" enum:"retry,fail" default:"retry" doc:"What becomes of the calls in doubt: retry performs them again, fail fails them with IN_DOUBT_ERROR"`
}

// RetryRun rewinds a failed run to before its failure.
type RetryRun struct {
	Revision string `json:"revision,omitempty" doc:"The revision to go on with: an id, current, or absent for the run's own" example:"current"`
}

// ForkRun starts a new run that shares the first turns.
type ForkRun struct {
	FromTurn uint64 `json:"fromTurn" minimum:"1" doc:"The first turn that is not shared; 1 shares nothing but the input" example:"4"`
	Revision string `json:"revision,omitempty" doc:"The new run's revision: an id, current, or absent for that of the run" example:"current"`
}

// UpgradeRun moves a run to another revision.
type UpgradeRun struct {
	Revision string `json:"revision,omitempty" doc:"An id, or current, which is also what an absent one means" example:"9f2c51d0a7be"`
}

// ReplayRun plays a run again.
type ReplayRun struct {
	Source string `json:"source,omitempty" doc:"The source text to play it with; absent means the run's own revision"`
}

// CheckScript replays a script's runs against a candidate.
type CheckScript struct {
	Source   string `json:"source,omitempty" doc:"The candidate's source text; absent means the current revision"`
	Finished int    `json:"finished,omitempty" minimum:"1" maximum:"1000" default:"20" doc:"How many finished runs are replayed too"`
}

// Journal is the journal of a run.
type Journal struct {
	Records []runtime.JournalRecord `json:"records" nullable:"false"`
}

// Logs is one page of the log.
type Logs struct {
	Entries []logs.Entry `json:"entries" nullable:"false"`
	Next    uint64       `json:"next,omitempty" doc:"The from of the next page or, descending, its to; absent on the last one"`
}

// Connections is the list of connections, by name.
type Connections struct {
	Connections []connections.State `json:"connections" nullable:"false"`
}

// Secrets is the list of secrets, by name. Values are in no answer.
type Secrets struct {
	Secrets []vault.Secret `json:"secrets" nullable:"false"`
}

// SetSecret is what a secret is set to.
type SetSecret struct {
	Value string `json:"value" minLength:"1" doc:"Up to 16 KiB" writeOnly:"true"`
}

// SecretSet is a secret that was set.
type SecretSet struct {
	Secret  vault.Secret `json:"secret"`
	KeyFile string       `json:"keyFile,omitempty" doc:"There for the first secret of a store, if the server has made the master key: the file that has it, of which there should be a backup"`
}

// RotateKey says which master key is the next.
type RotateKey struct {
	NewKey string `json:"newKey,omitempty" doc:"32 bytes in base64 or in hexadecimal; absent: the server makes one" writeOnly:"true"`
}
