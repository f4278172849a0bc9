package bench

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestScriptsAreConfined(t *testing.T) {
	// With --require-sandbox the server starts on a system that confines workers,
	// and says so; who has no token learns nothing of it.
	r := startRig(t, "serve", map[string]string{"neighbour.ts": serving}, "--require-sandbox")
	r.mustGet("/neighbour")
	for token, want := range map[string]string{r.client.Token(): `"sandbox":"ok"`, "": `"sandbox":"ok"`} {
		req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.client.URL()+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := r.asks.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("readyz, token %t: %d %s %v", token != "", res.StatusCode, body, err)
		}
	}
	for _, e := range r.entries("kind:server scripts are") {
		t.Log(e.Msg)
	}
	r.stop()
}
