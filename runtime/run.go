package runtime

import (
	"encoding/json"
	"time"

	"reprise/runtime/call"
)

// Status is where a run is in its life.
type Status string

// The statuses. Succeeded, Failed and Cancelled are final.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Waiting   Status = "waiting"
	Paused    Status = "paused"
	Diverged  Status = "diverged"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Run is one execution of a durable handler, as the API shows it.
type Run struct {
	ID        string          `json:"id"`
	Script    string          `json:"script"`
	Revision  string          `json:"revision"`
	Handler   string          `json:"handler"`
	Status    Status          `json:"status"`
	Input     json.RawMessage `json:"input,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	Error     *call.Error     `json:"error,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	StartedAt *time.Time      `json:"startedAt,omitempty"`
	EndedAt   *time.Time      `json:"endedAt,omitempty"`
}

// StartRequest asks for a run.
type StartRequest struct {
	Script string
	Input  json.RawMessage // JSON text; empty means undefined
	// IdempotencyKey makes the start exactly-once per script: the same key
	// again returns the same run, and with another input CONFLICT_ERROR.
	IdempotencyKey string
}

// ListQuery selects runs, newest first.
type ListQuery struct {
	Script string
	Status Status
	Limit  int    // 0 means 50, at most 500
	Cursor string // from the last page
}

// Stats counts what a script did since the server started.
type Stats struct {
	Requests     int64     `json:"requests"` // fetch requests and runs
	Failures     int64     `json:"failures"`
	Running      int64     `json:"running"`
	LastActivity time.Time `json:"lastActivity,omitzero"`
}
