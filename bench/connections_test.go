package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// callsPerRequest is how many calls one request makes, one after another: enough
// that what a request costs itself hardly counts.
const callsPerRequest = 20

const connected = `export const config = { connections: ["api"] };
export default {
  async fetch(_, env) {
    let total = 0;
    for (let i = 0; i < 20; i++) total += (await env.api.get("/small/1").json()).total_1;
    return Response.json({ total });
  },
};
`

// BenchmarkConnection compares calls of a connection that has everything on
// (credentials, rate limit, concurrency limit, circuit breaker, metrics) with the
// same calls in plain Go without any of it: CPU time per request of twenty calls,
// with worker processes and without.
func BenchmarkConnection(b *testing.B) {
	upstream := spawn(b, "upstream")
	reference := spawn(b, "reference", upstream.url)
	dir := project(b, "calls", connected)
	settings := fmt.Sprintf(`
connections:
  api:
    baseURL: %s
    auth: { bearer: "${secret:KEY}" }
    rateLimit: { limit: 1000000, per: 1s, burst: 1000000 }
    concurrency: 1000
    circuitBreaker: { failures: 5 }
`, upstream.url)
	if err := os.WriteFile(filepath.Join(dir, "reprise.yaml"), []byte(settings), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("REPRISE_SECRET_KEY", "the value of the key")
	total := func(body []byte) error {
		if !bytes.Contains(body, fmt.Appendf(nil, `"total":%d`, 1000*callsPerRequest)) {
			return fmt.Errorf("the answer is %s", body)
		}
		return nil
	}
	for name, flags := range map[string][]string{"workers": nil, "inside": {"--workers", "0"}} {
		b.Run(name, func(b *testing.B) { compare(b, reference, startReprise(b, dir, flags...), "/calls", total) })
	}
}
