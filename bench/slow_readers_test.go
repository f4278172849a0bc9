package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// generous answers with more than fits into the buffers of a connection, and
// says much in the log.
const generous = `export const config = { limits: { logRate: 20_000 } };
export default {
  fetch() {
    for (let i = 0; i < 50; i++) console.log("x".repeat(1000));
    return new Response("y".repeat(4 << 20));
  },
};
`

func TestSlowReadersHarmNobody(t *testing.T) {
	// Clients that ask for much and read nothing, and tails that do not read: the
	// neighbour is answered, and the clients are when they read after all.
	const readers, tails = 16, 8
	r := startRig(t, "serve", map[string]string{"neighbour.ts": serving, "diary.ts": diary, "generous.ts": generous}, "--limit-log-rate", "20000")
	r.warmUp("/neighbour")
	before, most := r.memory(t), r.watchMemory()
	defer most()
	stopAsking, stopDiary := r.ask("/neighbour", 50, "hello"), r.keepDiary(2)
	for range tails {
		r.deafTail()
	}
	slow := make([]net.Conn, readers)
	for i := range slow {
		slow[i] = r.request("/generous")
	}
	for range 40 { // who reads is answered meanwhile
		if n := len(r.mustGet("/generous")); n != 4<<20 {
			t.Fatalf("%d bytes", n)
		}
	}
	for _, c := range slow {
		body, err := answer(bufio.NewReader(c), nil)
		if err != nil || len(body) != 4<<20 {
			t.Errorf("a slow reader got %d bytes, %v", len(body), err)
		}
	}
	asked, runs := stopAsking(), stopDiary()
	asked.check(r)
	if asked.lost > 0 {
		t.Errorf("%d requests of the neighbour were lost", asked.lost)
	}
	t.Logf("the neighbour: %v; %d runs of the diary; the server's memory grew by %d KiB from %d, of which %d are answers that nobody reads",
		asked, runs, most()-before, before, readers*4<<10)
	r.stop()
}

// deafTail opens a tail that never reads.
func (r *rig) deafTail() {
	r.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + r.client.Token()}}
	c, res, err := websocket.DefaultDialer.DialContext(r.ctx, "ws"+strings.TrimPrefix(r.client.URL(), "http")+"/api/v1/tail", header)
	if err != nil {
		r.t.Fatal(err, res)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","filterId":"f"}`)); err != nil {
		r.t.Fatal(err)
	}
}

// request sends a GET and reads nothing yet.
func (r *rig) request(path string) net.Conn {
	r.t.Helper()
	host := strings.TrimPrefix(r.url, "http://")
	var d net.Dialer
	c, err := d.DialContext(r.ctx, "tcp", host)
	if err == nil {
		_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}
