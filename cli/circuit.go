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

// held says in the log that a connection is left alone because it said so.
func (a *app) held(connection string, wait time.Duration, reason string) {
	a.Emit(serverEntry(logs.Warn, fmt.Sprintf("the connection %s is left alone for %s: it said %s", connection, wait.Round(time.Millisecond), reason),
		map[string]any{"connection": connection, "waitMs": wait.Milliseconds()}))
}
