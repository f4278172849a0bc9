package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// version is a script that answers a number, which an edit changes.
func version(n int) string {
	return fmt.Sprintf(`import { twice } from "./_lib";
export default { fetch: () => new Response("v" + twice(%d)) };
`, n)
}

// reloadRig is a server under load on a script that is being edited.
type reloadRig struct {
	*process
	file string
	seen atomic.Int64 // the newest version answered
	err  atomic.Pointer[error]
	stop func() int // ends the load and returns how many requests were answered
}

func startReloading(t testing.TB, connections int) *reloadRig {
	t.Helper()
	dir := project(t, "answer", version(0))
	lib := filepath.Join(dir, "scripts", "_lib.ts")
	if err := os.WriteFile(lib, []byte("export const twice = (n: number) => n * 2;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &reloadRig{process: startReprise(t, dir), file: filepath.Join(dir, "scripts", "answer.ts")}
	var total atomic.Int64
	done := make(chan struct{})
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			err := steady(r.process, "/answer", done, func(body []byte) error {
				total.Add(1)
				return r.note(body)
			})
			if err != nil {
				r.err.Store(&err)
			}
		})
	}
	r.stop = sync.OnceValue(func() int {
		close(done)
		group.Wait()
		return int(total.Load())
	})
	t.Cleanup(func() { r.stop() })
	return r
}

// note keeps the newest version that was answered.
func (r *reloadRig) note(body []byte) error {
	var n int64
	if _, err := fmt.Fscanf(bytes.NewReader(body), "v%d", &n); err != nil || n%2 != 0 {
		return fmt.Errorf("the answer is %q", body)
	}
	for {
		old := r.seen.Load()
		if n <= old || r.seen.CompareAndSwap(old, n) {
			return nil
		}
	}
}

// save writes version n and returns when it answers.
func (r *reloadRig) save(t testing.TB, n int) time.Duration {
	t.Helper()
	began := time.Now()
	if err := os.WriteFile(r.file, []byte(version(n)), 0o644); err != nil {
		t.Fatal(err)
	}
	for r.seen.Load() != int64(2*n) {
		if err := r.err.Load(); err != nil {
			t.Fatal(*err)
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("version %d does not answer; the newest is v%d", n, r.seen.Load())
		}
		<-time.After(200 * time.Microsecond)
	}
	return time.Since(began)
}

func TestNoRequestFailsWhileScriptsAreSaved(t *testing.T) {
	// Sixteen connections ask without pause while the script is edited: every
	// request is answered, by the old code or the new.
	r := startReloading(t, 16)
	for n := 1; n <= 20; n++ {
		r.save(t, n)
	}
	answered := r.stop()
	if err := r.err.Load(); err != nil {
		t.Fatal(*err)
	}
	if answered < 100 {
		t.Fatalf("only %d requests", answered)
	}
}

// BenchmarkSaveToLive measures from the save of a file until the new code
// answers, without load and at 16 connections.
func BenchmarkSaveToLive(b *testing.B) {
	for _, connections := range []int{1, 16} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			r := startReloading(b, connections)
			var millis []float64
			n := 0
			for b.Loop() {
				for range 10 {
					n++
					millis = append(millis, float64(r.save(b, n).Microseconds())/1000)
				}
			}
			b.ReportMetric(median(millis), "ms-median")
			b.ReportMetric(millis[len(millis)-1], "ms-max") // median has sorted them
			b.ReportMetric(0, "ns/op")
		})
	}
}
