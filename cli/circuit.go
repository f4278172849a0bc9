package cli

import (
	"fmt"
	"time"

	"reprise/runtime/logs"
)

// circuit says in the log that a connection is given up for a while, or is back.
func (a *app) circuit(connection string, open bool, failures int, cooldown time.Duration) {
	msg, level := fmt.Sprintf("the connection %s is back", connection), logs.Info
	if open {
		msg = fmt.Sprintf("the connection %s is given up for %s: %d requests in a row failed, and calls fail at once from now on", connection, cooldown, failures)
		level = logs.Error
	}
	a.Emit(serverEntry(level, msg, map[string]any{"connection": connection, "open": open}))
}

// spent says in the log that calls to a connection are not tried again for a while.
func (a *app) spent(connection string, calls, retries int) {
	a.Emit(serverEntry(logs.Warn, fmt.Sprintf("the retry budget of the connection %s is spent: %d calls in the last 10s, and %d retries; until it fails less, calls end with their first error", connection, calls, retries),
		map[string]any{"connection": connection, "calls": calls, "retries": retries}))
}

// held says in the log that a connection is left alone because it said so.
func (a *app) held(connection string, wait time.Duration, reason string) {
	a.Emit(serverEntry(logs.Warn, fmt.Sprintf("the connection %s is left alone for %s: it said %s", connection, wait.Round(time.Millisecond), reason),
		map[string]any{"connection": connection, "waitMs": wait.Milliseconds()}))
}
