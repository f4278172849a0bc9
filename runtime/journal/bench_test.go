package journal_test

import (
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// BenchmarkAppendPair writes what one small call takes.
func BenchmarkAppendPair(b *testing.B) {
	for name, pair := range pairs() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 512)
			for b.Loop() {
				buf = buf[:0]
				for _, r := range pair {
					buf = journal.Append(buf, r, file)
				}
			}
			b.ReportMetric(float64(len(buf)), "B/pair")
		})
	}
}

func BenchmarkParsePair(b *testing.B) {
	for name, pair := range pairs() {
		first, second := journal.Append(nil, pair[0], file), journal.Append(nil, pair[1], file)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := journal.Parse(first, file); err != nil {
					b.Fatal(err)
				}
				if _, err := journal.Parse(second, file); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead reads the journal of a run that made 10,000 calls, one after
// the other.
func BenchmarkRead(b *testing.B) {
	const calls = 10_000
	list := []journal.Record{begun()}
	pair := pairs()["kv set"]
	for n := range uint64(calls) {
		t := *pair[1].(*journal.Turn)
		t.N, t.Cause, t.Outcome, t.At = n+1, journal.ByOutcome, n, at(int(n))
		if n == 0 {
			t.Cause, t.Outcome = journal.ByBegin, 0
		}
		t.Calls = append([]journal.Call(nil), t.Calls...)
		t.Calls[0].ID, t.Calls[0].Class = n+1, call.Idempotent
		o := *pair[0].(*journal.Outcome)
		o.Call = n + 1
		list = append(list, &t, &o)
	}
	records := encode(list)
	size := 0
	for _, r := range records {
		size += len(r)
	}
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := journal.Read(records, nil); err != nil {
			b.Fatal(err)
		}
		took += time.Since(begin)
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/calls, "ns/call")
	b.ReportMetric(float64(size)/calls, "B/call")
}
