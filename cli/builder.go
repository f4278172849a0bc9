package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"reprise/runtime/logs"
	"reprise/runtime/proc"
	"reprise/runtime/script"
)

// serveBuilder is the role of the builder process: it gives up its rights but
// for reading the project, and bundles sources.
func serveBuilder(c *proc.Conn, args []string) int {
	strict := len(args) > 0 && args[0] == requireSandbox
	defer keepHeapRoomy()()
	err := script.ServeBuilds(c, func(keep proc.Rights) (func() []byte, error) {
		report, err := proc.GiveUp(keep)
		check := sync.OnceValue(func() *sandbox { return &sandbox{report, proc.SelfCheck(keep)} })
		if err == nil && strict {
			if why := check().weak(); why != "" {
				err = fmt.Errorf("this system can not confine a builder: %s", why)
			}
		}
		return func() []byte { return encodedSandbox(check()) }, err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func encodedSandbox(s *sandbox) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("cli: texts are JSON: " + err.Error())
	}
	return b
}

// newBuilder makes what sources are bundled by: a process, where scripts are
// executed by processes, or this one.
func (a *app) newBuilder() script.Builds {
	if a.pool == nil {
		return script.NewBuilder(script.BuilderOptions{Limits: a.config.Limits})
	}
	var args []string
	if a.config.RequireSandbox {
		args = append(args, requireSandbox)
	}
	a.builder = script.NewBuilderProcess(script.BuilderProcessOptions{
		Limits: a.config.Limits, OnReport: a.builderReported, OnEnd: a.builderEnded,
		Spawn: func() (*proc.Process, error) {
			return proc.Start(builderRole, proc.Options{Args: args, MaxFrame: script.BuilderFrame})
		},
	})
	return a.builder
}

// builderReported keeps what the builder process says of its sandbox, and logs
// once if something is missing.
func (a *app) builderReported(said []byte) {
	var s sandbox
	if err := json.Unmarshal(said, &s); err != nil {
		s.Missing = []string{"what it said of its rights can not be read"}
	}
	if first := a.sees.Swap(&s) == nil; !first {
		return
	}
	if why := s.weak(); why != "" {
		a.Emit(serverEntry(logs.Warn, "sources are bundled in a process that is confined less than it could be: "+why, map[string]any{"holds": s.Report.String()}))
	}
}

// builderEnded says in the log that a builder process is gone. That of the
// script whose build it was fails with an error of its own.
func (a *app) builderEnded(e script.BuilderEnd) {
	fields := map[string]any{}
	if len(e.Scripts) > 0 {
		fields["scripts"] = e.Scripts
	}
	a.Emit(serverEntry(logs.Warn, "the builder process ended: "+e.Why+"; another one takes its place", fields))
}
