package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/script"
	"reprise/server/api"
	"reprise/server/client"
)

// A script whose run handler has a route starts runs, and the answer says where
// to look; the question page is there; the API tells route and schedule.
func TestRunsOverHTTP(t *testing.T) {
	f := newFixture(t, nil)
	order := state("order", &script.HTTP{Respond: script.RespondAccepted})
	order.Revision.Handlers = []string{"run", "scheduled"}
	order.Revision.Config.Raw = json.RawMessage(`{"http":{"respond":"accepted"},"schedule":{"cron":"0 6 * * *"}}`)
	order.Revision.Config.Limits = call.Limits{TurnCPU: 500 * time.Millisecond}
	f.registry.set(order)
	if err := f.ScriptsChanged(); err != nil {
		t.Fatal(err)
	}
	resp, err := f.http.Post(f.ScriptsURL()+"/order", "application/json", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Location") != "/_/runs/r1?key=key-of-r1" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	for path, want := range map[string]int{"/_/ask/r1/3?key=k": 200, "/_/ask/r1/3?key=x": 404, "/_/runs/r1?key=x": 404} {
		if status, body := f.get(t, f.ScriptsURL()+path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	c, err := client.Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Script(t.Context(), "order")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]api.Route{{Path: "/order", Methods: []string{"POST"}, Handler: "run"}}, got.Routes); diff != "" {
		t.Error(diff)
	}
	if got.Limits == nil || got.Limits.TurnCPU != "500ms" || got.Limits.Calls != 100_000 || got.Limits.Timeout != "30s" {
		t.Errorf("limits %+v", got.Limits)
	}
	if string(got.Schedule) != `{"cron":"0 6 * * *"}` || len(got.NextRuns) != 1 || !got.NextRuns[0].Equal(time.Unix(5, 0)) {
		t.Errorf("schedule %s, next runs %v", got.Schedule, got.NextRuns)
	}
}
