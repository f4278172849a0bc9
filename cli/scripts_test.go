package cli

import (
	"log/slog"
	"testing"

	"reprise/connections"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/runtime/worker"
)

func TestScriptsEmitWhileTheyAreLoaded(t *testing.T) {
	// A revision is loaded under the lock of the scripts, and a worker process that
	// starts or ends meanwhile is told of in the log: without that lock, or the
	// load would wait for the process, and the process for the load.
	c := testConfig(t)
	project, err := script.OpenProject(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	s := newScripts(c, project, script.NewBuilder(script.BuilderOptions{}), worker.New(vmOptions()), noUpstreams(t), slog.New(slog.DiscardHandler))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Emit(serverEntry(logs.Debug, "a worker has started", nil))
	if len(s.early) != 1 {
		t.Errorf("%d entries wait for the log", len(s.early))
	}
}

func noUpstreams(t *testing.T) *connections.Set {
	t.Helper()
	s, err := connections.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
