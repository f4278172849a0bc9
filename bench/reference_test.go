package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

// object is a JSON object of about n bytes, distinct per id.
func object(id string, n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"id":%q,"name":"service-%s","ok":true,"price":%s9.95,"tags":["a","b","c"],"items":[`, id, id, id)
	for i := 0; b.Len() < n-64; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"%s-%05d","qty":%d,"unit":%d.5,"note":"lorem ipsum dolor"}`, id, i, i%17, i%97)
	}
	fmt.Fprintf(&b, `],"total_%s":%d}`, id, n)
	return b.Bytes()
}

// listen says where the process listens, on its standard output.
func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	return l
}

// serveUpstream is the API that is called: GET /small/ID is 1 KB of JSON, /large/ID 100 KB. It
// speaks just enough HTTP to be cheaper than any program under test.
func serveUpstream() {
	answers := map[string][]byte{}
	for _, id := range []string{"1", "2", "3"} {
		for path, size := range map[string]int{"/small/": 1000, "/large/": 100_000} {
			body := object(id, size)
			answers[path+id] = append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body)), body...)
		}
	}
	missing := []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	l := listen()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				for header := line; strings.TrimSpace(header) != ""; {
					if header, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				answer := missing
				parts := strings.Fields(line)
				if len(parts) > 1 && parts[1] == "/bytes" {
					if !sendBytes(c) {
						return
					}
					continue
				}
				if len(parts) > 1 && answers[parts[1]] != nil {
					answer = answers[parts[1]]
				}
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}

// streamed is how much GET /bytes sends.
const streamed = 100 << 20

func sendBytes(c net.Conn) (ok bool) {
	if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", streamed); err != nil {
		return false
	}
	piece := make([]byte, 64<<10)
	for range streamed / len(piece) {
		if _, err := c.Write(piece); err != nil {
			return false
		}
	}
	return true
}

// serveReference is what the scripts do, as a Go programmer would write it:
// GET /hello; GET /pass: what the upstream sends, as it sends it; GET /aggregate: three calls in parallel, decode, merge, encode; and
// GET /calls: some one after another.
func serveReference(upstream string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}}
	get := func(r *http.Request, id string) (any, error) {
		q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, upstream+"/small/"+id, nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(q)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		var v any
		err = json.Unmarshal(text, &v)
		return v, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pass", func(w http.ResponseWriter, r *http.Request) {
		q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, upstream+"/bytes", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		res, err := client.Do(q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.Header().Set("Content-Length", res.Header.Get("Content-Length"))
		_, _ = io.Copy(w, res.Body)
	})
	mux.HandleFunc("GET /aggregate", func(w http.ResponseWriter, r *http.Request) {
		var group sync.WaitGroup
		var values [3]any
		var errs [3]error
		for i, id := range []string{"1", "2", "3"} {
			group.Go(func() { values[i], errs[i] = get(r, id) })
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
		}
		text, err := json.Marshal(map[string]any{"a": values[0], "b": values[1], "c": values[2]})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write(text)
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) {
		total := 0.0
		for range callsPerRequest {
			v, err := get(r, "1")
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			object, _ := v.(map[string]any)
			n, _ := object["total_1"].(float64)
			total += n
		}
		text, err := json.Marshal(map[string]any{"total": total})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
		_, _ = w.Write([]byte("hello"))
	})
	_ = http.Serve(listen(), mux)
}
