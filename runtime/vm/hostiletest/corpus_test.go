package hostiletest

import (
	"slices"
	"strings"
	"testing"
)

func TestCorpus(t *testing.T) {
	// Every script says what is expected of it, and what is to be repeated is.
	scripts, err := Corpus("../../../testdata/hostile")
	if err != nil {
		t.Fatal(err)
	}
	codes := []string{"INT", "LIM", "STK", "ANY", "SYN", "ERR", "ISO", "HOST"}
	large := 0
	for _, s := range scripts {
		if !slices.Contains(codes, s.Expect) {
			t.Errorf("%s expects %q", s.Name, s.Expect)
		}
		if strings.Contains(s.Source, "@repeat") {
			t.Errorf("%s is not written out", s.Name)
		}
		if len(s.Source) > 100<<10 {
			large++
		}
	}
	if len(scripts) < 142 || large != 3 {
		t.Errorf("%d scripts, %d of them large", len(scripts), large)
	}
}

func TestShapes(t *testing.T) {
	s := Script{Name: "x", Uses: []string{"kv"}, Source: "result = 1;"}
	for shape, want := range map[Shape]string{
		Run:   "import { kv } from \"reprise:kv\";\nexport default { run() {\nlet result;\nresult = 1;\nreturn result;\n} };\n",
		Fetch: "import { kv } from \"reprise:kv\";\nexport default { fetch() {\nlet result;\nresult = 1;\nreturn Response.json(result ?? null);\n} };\n",
		Top:   "import { kv } from \"reprise:kv\";\nlet result;\nresult = 1;\nexport default { run() { return result; } };\n",
	} {
		if got := s.Module(shape); got != want {
			t.Errorf("%s: %q", shape, got)
		}
	}
}
