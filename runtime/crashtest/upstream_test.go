package crashtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// upstream is every API there is. It acts on a write as soon as it arrives,
// once for each Idempotency-Key, and answers when it pleases: what it answers
// depends on nothing but the request.
//
//	/status/422         is that
//	/flaky/2/503        is that twice for each request, and then an answer
//	/reset/1            breaks the connection once for each request
//	/big                is an answer of 100 KiB
//	?ms=20              takes as long; ?after=10 is a Retry-After
type upstream struct {
	// latency is how long an answer takes that does not say it itself.
	latency func() time.Duration

	mu      sync.Mutex
	asked   map[string]int  // how often; by key or, without one, by what was asked
	acted   map[string]bool // on the writes with these keys
	effects []string
}

func newUpstream() *upstream {
	return &upstream{
		latency: func() time.Duration { return 10 * time.Millisecond },
		asked:   map[string]int{}, acted: map[string]bool{},
	}
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	status, text, err := u.answer(r, body)
	pause := u.latency()
	if ms := r.URL.Query().Get("ms"); ms != "" {
		n, _ := strconv.Atoi(ms)
		pause = time.Duration(n) * time.Millisecond
	}
	select {
	case <-time.After(pause):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if after := r.URL.Query().Get("after"); after != "" && status >= 400 {
		header.Set("Retry-After", after)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: r,
	}, nil
}

func (u *upstream) answer(r *http.Request, body []byte) (status int, text []byte, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	what := r.Method + " " + r.URL.RequestURI() + " " + string(body)
	id := r.Header.Get("Idempotency-Key")
	if id == "" {
		id = what
	}
	u.asked[id]++
	parts := strings.Split(r.URL.Path, "/")
	number := func(i int) int { n, _ := strconv.Atoi(parts[i]); return n }
	switch {
	case parts[1] == "status":
		return number(2), []byte(`{}`), nil
	case parts[1] == "flaky" && u.asked[id] <= number(2):
		return number(3), []byte(`{}`), nil
	case parts[1] == "reset" && u.asked[id] <= number(2):
		return 0, nil, errors.New("connection reset by peer")
	case strings.Contains(string(body), "Atlantis"):
		return http.StatusUnprocessableEntity, []byte(`{}`), nil
	case r.URL.Path == "/shop/crm/contacts":
		return http.StatusOK, contacts(r.URL.Query().Get("cursor")), nil
	}
	if r.Method != http.MethodGet && !u.acted[id] {
		u.acted[id] = true
		u.effects = append(u.effects, clipped(what))
	}
	if parts[1] == "big" {
		return http.StatusOK, []byte(`"` + strings.Repeat("x", 100<<10) + `"`), nil
	}
	sum := sha256.Sum256([]byte(r.Method + r.URL.Path + string(body)))
	text, err = json.Marshal(map[string]string{"id": hex.EncodeToString(sum[:4]), "path": r.URL.Path})
	return http.StatusOK, text, err
}

// clipped keeps what is compared of large bodies.
func clipped(s string) string {
	if len(s) <= 300 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return fmt.Sprintf("%s… %d bytes %x", s[:100], len(s), sum[:4])
}

// contacts is a page of 3 of 7 contacts.
func contacts(cursor string) []byte {
	first, _ := strconv.Atoi(cursor)
	type contact struct {
		ID string `json:"id"`
	}
	page := struct {
		Contacts []contact `json:"contacts"`
		Next     *string   `json:"next"`
	}{}
	for i := first; i < min(first+3, 7); i++ {
		page.Contacts = append(page.Contacts, contact{fmt.Sprint("c", i)})
	}
	if first+3 < 7 {
		next := strconv.Itoa(first + 3)
		page.Next = &next
	}
	b, err := json.Marshal(page)
	if err != nil {
		panic(err)
	}
	return b
}

// received lists what the upstream acted on, whatever the order.
func (u *upstream) received() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(slices.Values(u.effects))
}
