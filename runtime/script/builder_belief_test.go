package script_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reprise/runtime/proc"
	"reprise/runtime/script"
)

// lie is a builder process that a source has taken over.
func lie(c *proc.Conn, how string) int {
	if _, _, err := c.Receive(); err != nil {
		return 1
	}
	c.Send(script.FrameReady)
	for {
		_, b, err := c.Receive()
		if err != nil {
			return 0
		}
		n, s, err := script.ParseRequest(b)
		if err != nil {
			return 1
		}
		rev := &script.Revision{Script: "another", File: "another.ts", ID: "000000000000", Code: []byte("code"), Config: script.Config{Raw: []byte(`{"description":"a lie"}`)}}
		switch how {
		case "revision":
			c.Send(script.FrameBuilt, script.EncodeBuilt(n, rev))
		case "frame":
			c.Send(99, script.EncodeBuilt(n, rev))
		case "number":
			c.Send(script.FrameBuilt, script.EncodeBuilt(n+1, rev))
		case "rubbish":
			c.Send(script.FrameBuilt, append(script.EncodeBuilt(n, rev), 1, 2, 3))
		case "input":
			c.Send(script.FrameRead, script.EncodeRead(n, filepath.Dir(filepath.Dir(s.Path))))
		case "path":
			c.Send(script.FrameRead, script.EncodeRead(n, s.Path+"/../a.ts"))
		case "code":
			c.Send(script.FrameFailed, script.EncodeFailed(n, &script.BuildError{Code: "NOT_A_CODE", Problem: script.Problem{Message: "x"}}))
		case "flood":
			for c.Send(script.FrameRead, script.EncodeRead(n, s.Path)) == nil {
			}
		}
	}
}

func TestABuilderIsNotBelieved(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": "export default 1;"})
	s := named(t, p, "a")
	for how, want := range map[string]string{
		"frame": "there is no frame 99", "number": "there is no build 2", "rubbish": "3 bytes are left over",
		"input": "is nothing that a build may depend on", "path": "is nothing that a build may depend on", "code": `there is no error "NOT_A_CODE" of building`,
		"flood": "the build took longer than 1s",
	} {
		t.Run(how, func(t *testing.T) {
			b := startBuilder(t, "liar", script.BuilderProcessOptions{Timeout: time.Second}, how)
			_, err := b.Build(t.Context(), p, s)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			<-(<-b.spawned).Done()
		})
	}
	// A revision has the name that was asked for, and the id of what it is.
	b := startBuilder(t, "liar", script.BuilderProcessOptions{}, "revision")
	rev, err := b.Build(t.Context(), p, s)
	if err != nil || rev.Script != "a" || rev.File != "a.ts" || rev.ID == "000000000000" || rev.Config.Raw != nil {
		t.Errorf("%v %+v", err, rev)
	}
}

func FuzzBuilderAnswer(f *testing.F) {
	p := writeProject(f, map[string]string{"a.ts": "import './_b'; export const config = { timeout: '5s', http: { path: '/x', method: ['GET'] }, limits: { calls: 10 } }; export default 1;", "_b.ts": "globalThis.x = 1;"})
	s := named(f, p, "a")
	rev, err := testBuilder().Build(f.Context(), p, s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(script.EncodeBuilt(1, rev))
	_, err = testBuilder().BuildText(f.Context(), p, s, "import 'nothing'; export default (;")
	f.Add(script.EncodeFailed(1, err))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Whatever comes, there is an error or a revision that a script can have.
		if got, err := script.ParseBuilt(b, p, s); err == nil {
			if got.Script != "a" || got.File != "a.ts" || len(got.ID) != 12 {
				t.Errorf("%+v", got)
			}
			inside(t, p, got.Inputs)
			if _, err := got.Pack(); err != nil {
				t.Error(err)
			}
		}
		failed, broken := script.ParseFailed(b, p)
		if (failed == nil) == (broken == nil) {
			t.Errorf("%v, %v", failed, broken)
		}
		if e, ok := errors.AsType[*script.BuildError](failed); ok {
			inside(t, p, e.Inputs)
		}
	})
}
