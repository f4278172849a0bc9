package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a measured program.
type process struct {
	cmd   *exec.Cmd
	url   string
	admin string // of Reprise, if it has an admin origin
	out   *bufio.Scanner
}

// spawn starts this test binary in a role and waits until it says where it listens.
func spawn(b testing.TB, role string, args ...string) *process {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = io.Discard
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: cmd, out: bufio.NewScanner(stdout)}
	b.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for p.out.Scan() {
		if url, ok := strings.CutPrefix(p.out.Text(), "listening on "); ok {
			p.url = url
		}
		if url, ok := strings.CutPrefix(p.out.Text(), "studio "); ok {
			p.admin, _, _ = strings.Cut(strings.TrimSpace(url), "/#")
		}
		if p.url != "" && (role != "reprise" || strings.HasPrefix(p.out.Text(), "scripts ")) {
			go func() {
				for p.out.Scan() { // nobody else reads on
				}
			}()
			return p
		}
	}
	b.Fatalf("the %s ended before it listened", role)
	return nil
}

// cpu is the time that the process and its worker processes have used so far.
func (p *process) cpu(b testing.TB) (total time.Duration) {
	b.Helper()
	for _, pid := range p.pids() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // a worker that has ended
		}
		// The name in parentheses may hold spaces; user and system time are the
		// 12th and 13th fields after it, in ticks of 10 ms.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		total += time.Duration(user+system) * 10 * time.Millisecond
	}
	return total
}

// pids are the process and its children.
func (p *process) pids() []int {
	list := []int{p.cmd.Process.Pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				list = append(list, pid)
			}
		}
	}
	return list
}

// memory is the process's resident memory in KiB.
func (p *process) memory(b testing.TB) int { return p.status(b, "VmRSS:") }

func (p *process) status(b testing.TB, name string) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatalf("the process has no %s", name)
	return 0
}
