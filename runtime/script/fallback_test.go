package script

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWatchErrorsNameTheLimit(t *testing.T) {
	err := watchError(fmt.Errorf("watch x: %w", os.NewSyscallError("inotify_add_watch", syscall.ENOSPC)))
	if !strings.Contains(err.Error(), "fs.inotify.max_user_watches") {
		t.Errorf("error = %v", err)
	}
}

// When the system does not report changes any more, they are still found.
func TestWatchFallsBackToPolling(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ts")
	save := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("export default 1;")
	p, err := OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	events := make(chan Event, 10)
	r := NewRegistry(Options{Project: p, Builder: NewBuilder(BuilderOptions{}), OnEvent: func(e Event) { events <- e }, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := r.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-events
	w := newWatcher(r)
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	<-events
	if err := w.notifier.fs.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.loop(ctx) }()
	save("export default 22;")
	if e := <-events; e.Kind != EventUpdated {
		t.Errorf("event = %+v", e)
	}
	cancel()
	<-done
	w.running.Wait()
	if err := w.notifier.close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "file changes are looked for every 1s") {
		t.Errorf("log = %s", log.String())
	}
}
