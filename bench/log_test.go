package bench

// What a Go programmer would write who has ten steps to make durable and
// nothing else: one file, records appended to it, and one goroutine that writes
// and syncs whatever has gathered and then lets all of those go on who waited
// for it. It knows no replay, no timers, no list of runs: it is the ceiling.

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// groupLog is an append-only file with group commit.
type groupLog struct {
	file  *os.File
	ready chan struct{} // has room for one: something has gathered

	mu   sync.Mutex
	next *group // guarded by mu
}

// group is what is synced together.
type group struct {
	bytes  []byte
	synced chan struct{} // closed when it is on disk; err is set before
	err    error
}

func newGroup() *group { return &group{synced: make(chan struct{})} }

func openGroupLog(dir string) (*groupLog, error) {
	f, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	l := &groupLog{file: f, ready: make(chan struct{}, 1), next: newGroup()}
	go l.write()
	return l, nil
}

func (l *groupLog) write() {
	for range l.ready {
		l.mu.Lock()
		g := l.next
		l.next = newGroup()
		l.mu.Unlock()
		if _, g.err = l.file.Write(g.bytes); g.err == nil {
			g.err = dataSync(l.file)
		}
		close(g.synced)
	}
}

// append adds a record: the run, the number of the record, and its text.
func (l *groupLog) append(run uint64, n int, text []byte) *group {
	l.mu.Lock()
	g := l.next
	g.bytes = binary.BigEndian.AppendUint32(g.bytes, uint32(len(text)))
	g.bytes = binary.BigEndian.AppendUint64(g.bytes, run)
	g.bytes = append(g.bytes, byte(n))
	g.bytes = append(g.bytes, text...)
	l.mu.Unlock()
	select {
	case l.ready <- struct{}{}:
	default:
	}
	return g
}

func (g *group) wait() error {
	<-g.synced
	return g.err
}

// serveLog answers POST /ten (ten trivial steps) and POST /calls (ten calls of
// the upstream): each a record of the start, ten of steps, one of the end. Every
// record is on disk before the next step begins; with ?wait=end they are all on
// disk before the answer.
func serveLog(dir, upstream string) {
	l, err := openGroupLog(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}}
	fetch := func(r *http.Request) (any, error) {
		q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, upstream+"/small/1", nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(q)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		var v any
		return v, json.Unmarshal(text, &v)
	}
	var runs atomic.Uint64
	handle := func(step func(r *http.Request, i int) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sum, err := takeTen(l, runs.Add(1), r.URL.Query().Get("wait") != "end", func(i int) (any, error) { return step(r, i) })
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			text := fmt.Appendf(nil, `{"sum":%d}`, sum)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			_, _ = w.Write(text)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ten", handle(func(_ *http.Request, i int) (any, error) { return map[string]any{"n": i}, nil }))
	mux.HandleFunc("POST /calls", handle(func(r *http.Request, _ int) (any, error) { return fetch(r) }))
	_ = http.Serve(listen(), mux)
}

// takeTen is one run.
func takeTen(l *groupLog, run uint64, each bool, step func(i int) (any, error)) (sum int, err error) {
	var last *group
	put := func(n int, v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		last = l.append(run, n, text)
		if each {
			return last.wait()
		}
		return nil
	}
	if err := put(0, map[string]any{"script": "ten", "state": "running"}); err != nil {
		return 0, err
	}
	for i := range 10 {
		v, err := step(i)
		if err != nil {
			return 0, err
		}
		sum += i
		if err := put(i+1, v); err != nil {
			return 0, err
		}
	}
	if err := put(11, map[string]any{"state": "succeeded", "sum": sum}); err != nil {
		return 0, err
	}
	return sum, last.wait()
}
