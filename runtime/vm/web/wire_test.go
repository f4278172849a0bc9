package web

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzDecodeHTTPRequest(f *testing.F) {
	// Whatever the short way accepts, encoding/json reads the same.
	for _, text := range []string{
		`{"method":"GET","url":"http://a/","headers":[["a","b"],["c","d"]],"redirect":"error"}`,
		`{"connection":"self","method":"POST","url":"/a?b=c\u0026d","idempotencyKey":"k","timeoutMs":1500}`,
		`{"method":"GET","url":"é"}`, `{"method":"GET","method":"PUT"}`, `{"headers":[]}`, `{"headers":[["a"]]}`, `{}`, `{"method":"GET"}x`,
		`{"timeoutMs":01}`, `{"timeoutMs":-1}`, `{"timeoutMs":9999999999}`, `{"timeoutMs":1.5}`, `{"timeoutMs":1e3}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var short, long HTTPRequest
		p := wireReader{text: text}
		if !p.request(&short) {
			return // not an input of this test
		}
		same(t, text, &short, &long)
	})
}

func FuzzDecodeHTTPResponse(f *testing.F) {
	for _, text := range []string{
		`{"status":200,"statusText":"OK","url":"http://a/","headers":[["content-type","application/json"]]}`,
		`{"status":301,"url":"/","redirected":true,"headers":[["a","\""]]}`, `{"status":0}`, `{"status":00}`, `{"redirected":false}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var short, long HTTPResponse
		p := wireReader{text: text}
		if !p.response(&short) {
			return // not an input of this test
		}
		same(t, text, &short, &long)
	})
}

// same checks that encoding/json reads text into long as it was read into short.
func same[T any](t *testing.T, text []byte, short, long *T) {
	t.Helper()
	if err := json.Unmarshal(text, long); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if d := cmp.Diff(long, short); d != "" {
		t.Fatalf("%s\n%s", text, d)
	}
}

func TestDecodeTheShortWay(t *testing.T) {
	// What the host writes for an ordinary response does not need encoding/json.
	p := wireReader{text: []byte(`{"status":200,"statusText":"OK","url":"http://a/b?c=d&e","headers":[["content-type","application/json"],["date","x"]]}`)}
	var res HTTPResponse
	if !p.response(&res) || res.Status != 200 || len(res.Headers) != 2 {
		t.Fatalf("response = %+v", res)
	}
}

func FuzzEncodeHTTPRequest(f *testing.F) {
	// What is written is read back the same, and by encoding/json too.
	f.Add("", "GET", "http://a/?b&c", "accept", "*/*", "", int64(0), "")
	f.Add("self", "POST", "/é\"\\", "a", "\x01<", "manual", int64(20), "k")
	f.Fuzz(func(t *testing.T, connection, method, url, name, value, redirect string, timeout int64, key string) {
		req := HTTPRequest{
			Connection: connection, Method: method, URL: url, Headers: [][2]string{{name, value}, {value, name}},
			Redirect: redirect, TimeoutMS: timeout, IdempotencyKey: key,
		}
		text, err := req.encode()
		if err != nil {
			t.Fatal(err)
		}
		var back, long HTTPRequest
		if err := DecodeHTTPRequest(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		same(t, text, &back, &long)
		again, err := json.Marshal(&req)
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, &back, &long) // encoding/json repairs what is not UTF-8
	})
}
