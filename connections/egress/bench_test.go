package egress_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"testing"

	"reprise/connections/egress"
	"reprise/runtime/call/hosts"
)

// BenchmarkCheck is what every call pays, by the length of the list; the
// address is looked at once for a connection.
func BenchmarkCheck(b *testing.B) {
	u, err := url.Parse("https://api.example.com/v2/items?page=1")
	if err != nil {
		b.Fatal(err)
	}
	for _, entries := range []int{0, 10, hosts.MaxEntries} {
		var allow []string
		for i := range entries {
			allow = append(allow, fmt.Sprintf("*.host-%d.example.com", i+1))
		}
		if entries > 0 {
			allow[entries-1] = "api.example.com"
		}
		p, err := egress.New(egress.Options{Allow: allow})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("url/%d", entries), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t, err := hosts.Of(u)
				if err != nil || p.Check(t) != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("address/%d", entries), func(b *testing.B) {
			b.ReportAllocs()
			t, addr := hosts.Target{Name: "api.example.com", Port: 443}, netip.MustParseAddr("93.184.216.34")
			for b.Loop() {
				if p.CheckAddr(t, addr) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
