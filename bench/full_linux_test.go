//go:build linux && mount

package bench

// A data directory on a disk of its own, which is filled while runs are under
// way, and one that can not be written to. Both need the right to mount.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/problem"
)

// disk mounts an empty file system as the data directory of a project.
func disk(t *testing.T, project string, mib int) (data string) {
	t.Helper()
	data = filepath.Join(project, ".reprise")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", mib)); err != nil {
		t.Fatalf("this needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return data
}

// fill leaves so much room on a disk.
func fill(t *testing.T, data string, left int64) (empty func()) {
	t.Helper()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(data, &stat); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(data, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(stat.Bavail)*stat.Bsize-left); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

func TestDiskFullUnderLoad(t *testing.T) {
	// When the disk is nearly full, new work is refused in a sentence and the
	// server says that it is not ready; runs under way stand still. With room
	// again everything goes on, also over a kill, and nothing acknowledged is lost.
	up := &effects{keys: map[string]map[string]bool{}}
	upstream := httptest.NewServer(up)
	defer upstream.Close()
	m := &mortal{t: t, dir: project(t, "order", fmt.Sprintf(order, upstream.URL, upstream.URL))}
	if err := os.WriteFile(filepath.Join(m.dir, "scripts", "nothing.ts"), []byte(`export default { async run() {} };`), 0o644); err != nil {
		t.Fatal(err)
	}
	data := disk(t, m.dir, 800)
	m.start()
	defer func() { m.kill() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	var acked sync.Map
	var group sync.WaitGroup
	stop := make(chan struct{})
	for i := range 16 {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := placeOrder(ctx, m, fmt.Sprintf("c%d-%d", i, n), 100*(n%20), &acked); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for round := range 3 {
		pause(ctx, time.Second)
		empty := fill(t, data, 200<<20)
		refused(ctx, t, m)
		if round == 1 {
			m.kill()
			m.start() // there is room to open, not to write
			refused(ctx, t, m)
		}
		empty()
		ready(ctx, t, m)
	}
	pause(ctx, time.Second)
	close(stop)
	group.Wait()
	settled(ctx, t, m)
	verify(ctx, t, m, up, &acked, 1)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// refused waits until a start is refused because of the disk, and looks at what
// else is said.
func refused(ctx context.Context, t *testing.T, m *mortal) {
	t.Helper()
	for ; ; pause(ctx, 50*time.Millisecond) {
		_, err := m.client().StartRun(ctx, api.StartRun{Script: "nothing"})
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			if p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Detail, "disk is nearly full") {
				t.Errorf("a start is refused with %d: %s", p.Status, p.Detail)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatal("nothing is refused on a full disk")
		}
	}
	status, text := probe(ctx, t, m, "/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "disk") {
		t.Errorf("readiness is %d: %s", status, text)
	}
	if status, text := probe(ctx, t, m, "/healthz"); status != http.StatusOK {
		t.Errorf("health is %d: %s", status, text)
	}
	if _, _, err := m.client().Runs(ctx, runtime.ListQuery{Limit: 10}); err != nil {
		t.Errorf("runs can not be looked at: %v", err)
	}
}

// ready waits until the server says that it is.
func ready(ctx context.Context, t *testing.T, m *mortal) {
	t.Helper()
	for {
		if status, _ := probe(ctx, t, m, "/readyz"); status == http.StatusOK {
			return
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			t.Fatal("the server does not become ready again")
		}
	}
}

func probe(ctx context.Context, t *testing.T, m *mortal, path string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.client().URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.client().Token()) // who has it is told why
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestReadOnlyDataDirectory(t *testing.T) {
	// On a data directory that can not be written to the server does not start,
	// and says so in one line.
	for name, begun := range map[string]bool{"new": false, "with runs": true} {
		t.Run(name, func(t *testing.T) {
			dir := project(t, "ten", ten)
			data := disk(t, dir, 600)
			if begun {
				m := &mortal{t: t, dir: dir}
				m.start()
				if _, err := m.client().StartRun(t.Context(), api.StartRun{Script: "ten", Wait: "10s"}); err != nil {
					t.Error(err)
				}
				m.kill()
			}
			if err := syscall.Mount("", data, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			refusesToStart(t, dir)
			if err := syscall.Mount("", data, "", syscall.MS_REMOUNT, ""); err != nil {
				t.Fatal(err)
			}
			m := &mortal{t: t, dir: dir} // and nothing was broken
			m.start()
			m.kill()
		})
	}
}

func refusesToStart(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "serve", dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), roleVariable+"=reprise")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil || err == nil {
		t.Fatalf("it started, or hung: %v\n%s", err, out)
	}
	text := strings.TrimSpace(string(out))
	if !strings.Contains(text, "read-only") || strings.Contains(text, "goroutine ") || strings.Count(text, "\n") > 3 {
		t.Errorf("it says %q", text)
	}
	t.Log(text)
}
