package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// arriving is a body that a test sends. closed is closed when nobody reads it.
type arriving struct {
	io.Reader
	closed chan struct{}
}

func (a *arriving) Close() error {
	close(a.closed)
	return nil
}

// streamRig has fetch answered with a body that arrives.
func streamRig(t *testing.T, handler string, bodies ...*arriving) *rig {
	t.Helper()
	r := newRig(t, `({ fetch: `+handler+` })`)
	n := 0
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		o := call.OK(p.Call.ID, []byte(`{"status":200,"headers":[]}`))
		o.Body = p.Stream(bodies[n], 0)
		n++
		return o
	}
	return r
}

func (r *rig) ask() runtime.FetchResult {
	r.t.Helper()
	res := r.Fetch("s", &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"})
	if res.Err != nil {
		r.t.Fatal(res.Err)
	}
	return res
}

func body(text string) *arriving { return &arriving{strings.NewReader(text), make(chan struct{})} }

func TestStreamsArePassedOn(t *testing.T) {
	a := body("whole")
	r := streamRig(t, `async () => new Response((await fetch("http://h/")).body)`, a)
	res := r.ask()
	got, err := io.ReadAll(res.Stream)
	if string(got) != "whole" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	select {
	case <-a.closed:
		t.Error("it was closed by someone else than the one who has it")
	default:
	}
	_ = res.Stream.Close()
	<-a.closed
}

func TestWhatNobodyReadsIsClosed(t *testing.T) {
	a, b, c := body("never read"), body("read in part"), body("cancelled")
	r := streamRig(t, `async () => {
		await fetch("http://h/");
		await (await fetch("http://h/")).body.getReader().read();
		await (await fetch("http://h/")).body.cancel();
		return new Response("done");
	}`, a, b, c)
	if res := r.ask(); string(res.Response.Body.Inline) != "done" {
		t.Errorf("%+v", res.Response)
	}
	<-a.closed
	<-b.closed
	<-c.closed
}

func TestReadingAStreamWhole(t *testing.T) {
	broken := &arriving{io.MultiReader(strings.NewReader("begun"), errReader{call.Errorf(call.CodeNetwork, "cut off")}), make(chan struct{})}
	r := streamRig(t, `async () => {
		const text = await (await fetch("http://h/")).text();
		const error = await (await fetch("http://h/")).text().catch((e) => e.code);
		const next = (await fetch("http://h/")).body.getReader(), chunk = await next.read();
		return Response.json([text, error, chunk.value.length, (await next.read()).done]);
	}`, body("all of it"), broken, body("some"))
	if got := string(r.ask().Response.Body.Inline); got != `["all of it","NETWORK_ERROR",4,true]` {
		t.Error(got)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestAnswersThatAreMadeWhileTheyAreSent(t *testing.T) {
	r := newRig(t, `({ fetch: () => new Response(new ReadableStream({
		async pull(c) { const n = await read(1); c.enqueue(new TextEncoder().encode("part " + n + "\n")); if ((this.n = (this.n ?? 0) + 1) === 3) c.close(); },
	})) })`)
	res := r.ask()
	got, err := io.ReadAll(res.Stream)
	if string(got) != "part 1\npart 1\npart 1\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = res.Stream.Close()
}

func TestAnAnswerRunsNotAhead(t *testing.T) {
	// However small the chunks are, no more than so many are made that nobody takes.
	for _, size := range []int{1, 100_000} {
		r := newRig(t, fmt.Sprintf(`({ fetch: (_, __, ctx) => {
			let made = 0;
			ctx.waitUntil(timer({ ms: 50 }).then(() => read(made)));
			return new Response(new ReadableStream({ pull(c) { made++; c.enqueue(new Uint8Array(%d)); } }));
		} })`, size))
		made := make(chan int, 1)
		r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
			n, _ := strconv.Atoi(string(p.Call.Args))
			made <- n
			return call.OK(p.Call.ID, nil)
		}
		res := r.ask()
		if n := <-made; n > 70 || n*size > 500_000 {
			t.Errorf("%d chunks of %d bytes were made and not taken", n, size)
		}
		_ = res.Stream.Close()
	}
}

func TestWhoReadsNoMoreIsHeardOf(t *testing.T) {
	r := newRig(t, `({ fetch: () => new Response(new ReadableStream({
		pull(c) { c.enqueue(new Uint8Array(1000)); },
		async cancel(why) { await read(why.code); },
	})) })`)
	heard := make(chan string, 1)
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		heard <- string(p.Call.Args)
		return call.OK(p.Call.ID, nil)
	}
	res := r.ask()
	if _, err := io.ReadFull(res.Stream, make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	_ = res.Stream.Close()
	if got := <-heard; got != `"ABORT_ERROR"` {
		t.Error(got)
	}
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	for name, tc := range map[string]struct{ handler, want string }{
		"the source throws":  {`() => new Response(new ReadableStream({ pull(c) { if (this.n) throw new RangeError("dry"); this.n = 1; c.enqueue(new Uint8Array(3)); } }))`, "RangeError: dry"},
		"the script throws":  {`(_, __, ctx) => { ctx.waitUntil(read(1).then(() => { throw new RangeError("later"); })); return new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(3)); } })); }`, "the run ended before"},
		"it is never closed": {`() => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(3)); } }))`, "the run ended before"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, `({ fetch: `+tc.handler+` })`)
			res := r.ask()
			got, err := io.ReadAll(res.Stream)
			if len(got) > 3 || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			_ = res.Stream.Close()
		})
	}
}

func TestAnAnswerHasItsTime(t *testing.T) {
	r := newRig(t, `({ fetch: () => new Response(new ReadableStream({ async pull(c) { await timer({ ms: 1 }); c.enqueue(new Uint8Array(1)); } })) })`)
	r.script("s").Timeout = 50 * time.Millisecond
	res := r.ask()
	if _, err := io.ReadAll(res.Stream); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	_ = res.Stream.Close()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.log.text(), "took longer than 50ms") {
		t.Error(r.log.text())
	}
}
