//go:build linux && !race

package hostiletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// The parent's patience. A turn has a second; what is still at work after that
// much CPU time more is not going to stop. The clock alone says little on a
// machine that has other things to do.
const (
	patience   = 5 * time.Second  // of CPU time
	hardLimit  = 40 * time.Second // of any time
	watchEvery = 5 * time.Millisecond
)

// attempt executes a script in a child and returns how it ended. A wall is
// needed for outcomes that begin with "wall".
func attempt(s Script, shape Shape) (r report, err error) {
	bundle, err := json.Marshal(s.Bundle(shape))
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	var out, log bytes.Buffer
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+string(shape))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(bundle), &out, &limited{to: &log, left: 64 << 10}
	if err := cmd.Start(); err != nil {
		return r, err
	}
	died := make(chan error, 1)
	go func() { died <- cmd.Wait() }()
	began := time.Now()
	why, err := watch(cmd.Process, died)
	if why == "" && err == nil {
		return r, json.Unmarshal(out.Bytes(), &r)
	}
	if why == "" {
		if why = "crash"; !strings.Contains(log.String(), "fatal error: ") {
			return r, fmt.Errorf("%s as %s: the child failed: %w\n%s", s.Name, shape, err, log.String())
		}
		_, text, _ := strings.Cut(log.String(), "fatal error: ")
		r.Text, _, _ = strings.Cut(text, "\n")
	}
	r.Outcome, r.Took = "wall "+why, time.Since(began)
	return r, nil
}

// watch waits for a child and kills it when it takes too much. why says of what.
func watch(p *os.Process, died <-chan error) (why string, err error) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		select {
		case err := <-died:
			return "", err
		case <-tick.C:
		}
		switch {
		case residentBytes(p.Pid) > childMemory:
			why = "memory"
		case cpuTime(p.Pid) > patience, time.Since(began) > hardLimit:
			why = "time"
		default:
			continue
		}
		_ = p.Kill() // it may have died by itself
		return why, <-died
	}
}

// residentBytes is the memory of a process; zero when it is gone.
func residentBytes(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpuTime is what a process has used; zero when it is gone.
func cpuTime(pid int) time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if err != nil || !ok || len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = time.Second / 100 // of the kernel's clock, the same everywhere
	return time.Duration(user+system) * tick
}

// limited drops what is written beyond a limit: a stack may be endless.
type limited struct {
	to   *bytes.Buffer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	l.to.Write(b[:n])
	return len(b), nil
}
