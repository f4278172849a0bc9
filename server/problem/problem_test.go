package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
)

func TestOf(t *testing.T) {
	own := New(418, call.CodeConflict, "mine")
	for _, tc := range []struct {
		err    error
		status int
		code   string
		detail string
	}{
		{call.Errorf(call.CodeNotFound, "no %s", "x"), 404, "NOT_FOUND_ERROR", "no x"},
		{fmt.Errorf("wrapped: %w", call.Errorf(call.CodeConflict, "taken")), 409, "CONFLICT_ERROR", "taken"},
		{&call.Error{Name: "OddError", Code: "ODD", Message: "m"}, 500, "ODD", "m"},
		{errors.New("open /secret/path"), 500, "INTERNAL_ERROR", "the server failed in an unexpected way; its log says more"},
		{context.Canceled, 503, "UNAVAILABLE_ERROR", "the server stopped waiting, because it is stopping or the client went away"},
		{fmt.Errorf("w: %w", own), 418, "CONFLICT_ERROR", "mine"},
	} {
		p := Of(tc.err)
		if p.Status != tc.status || p.Code != tc.code || p.Detail != tc.detail || p.Title == "" {
			t.Errorf("Of(%v) = %+v", tc.err, p)
		}
	}
}

// Every code has a status, and those that mean the server can not now say when to retry.
func TestStatusOfEveryCode(t *testing.T) {
	for _, c := range call.Codes() {
		if s := StatusOf(c); s < 400 || s > 599 {
			t.Errorf("%s has the status %d", c, s)
		}
	}
}

func TestWriteAndParse(t *testing.T) {
	p := New(http.StatusServiceUnavailable, call.CodeUnavailable, "the disk is full")
	p.Errors = []FieldError{{Location: "body.x", Message: "bad", Value: "v"}}
	w := httptest.NewRecorder()
	p.Write(w)
	if w.Code != 503 || w.Header().Get("Content-Type") != ContentType || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	back := Parse(w.Code, w.Body.Bytes())
	if diff := cmp.Diff(p, back); diff != "" {
		t.Error(diff)
	}
	var e *call.Error
	if !errors.As(back, &e) || e.Code != "UNAVAILABLE_ERROR" || e.Message != "the disk is full" {
		t.Errorf("as an error of the catalogue: %v", e)
	}
	if !errors.Is(call.From(back), call.Errorf(call.CodeUnavailable, "")) {
		t.Error("it is not the same error any more")
	}
}

// A divergence goes through, to whoever reads the problem as an error again.
func TestDivergence(t *testing.T) {
	p := Of(call.Errorf(call.CodeDiverged, "other").WithData(map[string]any{"divergence": map[string]int{"turn": 2}}))
	if p.Status != 409 || string(p.Divergence) != `{"turn":2}` {
		t.Errorf("%+v", p)
	}
	w := httptest.NewRecorder()
	p.Write(w)
	if e := call.From(Parse(409, w.Body.Bytes())); string(e.Data) != `{"divergence":{"turn":2}}` {
		t.Errorf("%s", e.Data)
	}
	if p := Of(call.Errorf(call.CodeDiverged, "other")); p.Divergence != nil {
		t.Errorf("%s", p.Divergence)
	}
}

func TestWriteSurvivesValuesThatAreNotJSON(t *testing.T) {
	p := New(422, call.CodeInvalidArgument, "odd")
	p.Errors = []FieldError{{Message: "m", Value: func() {}}}
	w := httptest.NewRecorder()
	p.Write(w)
	if !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Body.String(), "odd") {
		t.Errorf("body is %s", w.Body)
	}
}

func TestParseOfSomethingElse(t *testing.T) {
	for _, body := range []string{"", "<html>Bad Gateway</html>", "{}", "[1]", `"x"`} {
		p := Parse(502, []byte(body))
		if p.Status != 502 || !strings.Contains(p.Error(), "502 Bad Gateway") {
			t.Errorf("Parse(%q) = %+v", body, p)
		}
	}
}
