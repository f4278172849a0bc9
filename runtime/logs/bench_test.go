package logs

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func benchEntry() Entry {
	return Entry{
		Time: time.Unix(1_700_000_000, 0), Level: Info, Kind: KindConsole, Script: "orders/fulfil", Revision: "9f2c51d0a7be",
		Run: "01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e5f", Turn: 3, Msg: "reserved 3 items for order 1042 at warehouse north",
		Fields: []byte(`{"hold":"h_10421","items":3,"durMs":12.5}`),
	}
}

// attach starts n tails that read and encode all they get, as sockets do.
func attach(b *testing.B, l *Log, n int) (detach func()) {
	var readers sync.WaitGroup
	var subs []*Subscription
	for range n {
		sub := l.Subscribe(SubscribeOptions{Interval: 40 * time.Millisecond})
		subs = append(subs, sub)
		readers.Go(func() {
			var buf []byte
			for {
				ev, err := sub.Next(b.Context())
				if err != nil {
					return
				}
				buf = buf[:0]
				for _, r := range ev.Records {
					buf = append(buf, r.JSON()...)
				}
			}
		})
	}
	return func() {
		for _, s := range subs {
			s.Close()
		}
		readers.Wait()
	}
}

func benchEmit(b *testing.B, tails int) {
	l := mustOpen(b, Options{Store: &memory{}})
	detach := attach(b, l, tails)
	defer detach()
	e := benchEntry()
	b.ReportAllocs()
	for b.Loop() {
		l.Emit(e)
	}
}

// As fast as one goroutine can: a thousand times the load we promise for.
func BenchmarkEmit(b *testing.B)             { benchEmit(b, 0) }
func BenchmarkEmitWith100Tails(b *testing.B) { benchEmit(b, 100) }

// BenchmarkPacedEmit is the promise: 10,000 lines a second, ten each
// millisecond, with and without tails. ns/line is the time a script spends in
// Emit; late-µs is how much later than planned the average tick was finished,
// which is what tails take away from scripts in CPU.
func BenchmarkPacedEmit(b *testing.B) {
	for _, tails := range []int{0, 100} {
		b.Run(fmt.Sprintf("tails=%d", tails), func(b *testing.B) {
			l := mustOpen(b, Options{Store: &memory{}})
			detach := attach(b, l, tails)
			defer detach()
			e := benchEntry()
			ticker := time.NewTicker(time.Millisecond)
			defer ticker.Stop()
			var inEmit, late time.Duration
			ticks := 0
			for b.Loop() {
				planned := <-ticker.C
				start := time.Now()
				for range 10 {
					l.Emit(e)
				}
				inEmit += time.Since(start)
				late += time.Since(planned)
				ticks++
			}
			b.ReportMetric(float64(inEmit.Nanoseconds())/float64(10*ticks), "ns/line")
			b.ReportMetric(float64(late.Microseconds())/float64(ticks), "late-µs")
			b.ReportMetric(float64(l.Stats().Gapped), "gapped")
			b.ReportMetric(float64(l.Stats().Lost), "lost")
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	e := benchEntry()
	for _, filter := range []string{
		"level:>=info", "script:orders/*", "level:>=info script:orders/* kind:console", "dur:>500", "field.hold:h_1*", "warehouse", "-refunded", "refunded shipped",
	} {
		b.Run(filter, func(b *testing.B) {
			f := mustFilter(b, filter)
			b.ReportAllocs()
			for b.Loop() {
				f.Match(&e)
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := benchEntry()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
}

func BenchmarkQueryDisk(b *testing.B) {
	m := &memory{}
	l := mustOpen(b, Options{Store: m, Ring: 16 << 10})
	e := benchEntry()
	for range 100 {
		for range 2000 {
			l.Emit(e)
		}
		waitStored(b, l)
	}
	f := mustFilter(b, "refunded")
	for b.Loop() {
		if _, _, err := l.Query(b.Context(), Query{Filter: f}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/line")
}
