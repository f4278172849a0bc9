//go:build linux && !race

package hostiletest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the table of outcomes anew")

func TestMain(m *testing.M) {
	childMain()
	flag.Parse()
	os.Exit(m.Run())
}

const corpusDir = "../../../testdata/hostile"

var tablePath = filepath.Join(corpusDir, "outcomes.txt")

// table is how each script ends, by name, and by name@shape where a shape
// makes a difference. Alternatives are separated by " | "; "wall" stands for
// every way in which the wall stops a script.
type table map[string]string

func readTable(t *testing.T) table {
	t.Helper()
	text, err := os.ReadFile(tablePath)
	if err != nil && !*update {
		t.Fatal(err)
	}
	out := table{}
	for line := range strings.Lines(string(text)) {
		name, outcome, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(line, "#") {
			out[name] = strings.TrimSpace(outcome)
		}
	}
	return out
}

const tableHead = `# How the scripts of this folder end in a VM; see README.md. Written by
#   go test -tags soak ./runtime/vm/hostiletest -update
# ok: it ended by itself; error: with an error a script can catch; limit: at a limit, most of which end the VM; engine: goja panicked, the run ended and the VM was thrown away;
# refused: it did not load; wall: only the process around the VM stops it. Where a machine's speed decides, there is more than one.
`

func (tb table) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString(tableHead)
	for _, name := range slices.Sorted(maps.Keys(tb)) {
		fmt.Fprintf(&b, "%-40s %s\n", name, tb[name])
	}
	if err := os.WriteFile(tablePath, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// want returns what the table says of a script in a shape.
func (tb table) want(s Script, shape Shape) string {
	if outcome, ok := tb[s.Name+"@"+string(shape)]; ok {
		return outcome
	}
	return tb[s.Name]
}

// allows reports whether an outcome is one of those that a table entry lists.
func allows(want, outcome string) bool {
	return slices.ContainsFunc(strings.Split(want, " | "), func(w string) bool {
		return w == outcome || w == "wall" && strings.HasPrefix(outcome, "wall ")
	})
}

// note takes in what was seen. What the old table allows stays as it is there.
func (tb table) note(s Script, shape Shape, outcome string, old table) {
	if strings.HasPrefix(outcome, "wall ") {
		outcome = "wall"
	}
	if want := old.want(s, shape); allows(want, outcome) {
		outcome = want
	}
	switch tb[s.Name] {
	case "":
		tb[s.Name] = outcome
	case outcome:
	default:
		tb[s.Name+"@"+string(shape)] = outcome
	}
}

type attempted struct {
	script Script
	shape  Shape
	report report
	err    error
}

// attemptAll executes scripts, as many at once as there are cores.
func attemptAll(todo []attempted) {
	var wg sync.WaitGroup
	next := make(chan *attempted)
	for range goruntime.GOMAXPROCS(0) {
		wg.Go(func() {
			for a := range next {
				a.report, a.err = attempt(a.script, a.shape)
			}
		})
	}
	for i := range todo {
		next <- &todo[i]
	}
	close(next)
	wg.Wait()
}

// again executes a script alone that ended otherwise than the table says, among
// others: a turn is measured by the clock, and the machine may have stood still.
func (a *attempted) again(tb table) {
	for tries := 0; tries < 2 && a.err == nil && !*update && !allows(tb.want(a.script, a.shape), a.report.Outcome); tries++ {
		a.report, a.err = attempt(a.script, a.shape)
	}
}

func TestOutcomes(t *testing.T) {
	// Each script ends as the table says: what can be stopped inside the VM is
	// stopped there, by an error, and what can not is known.
	scripts, err := Corpus(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	tb := readTable(t)
	todo := sample(scripts, tb)
	attemptAll(todo)
	counts, fresh := map[string]int{}, table{}
	for _, a := range todo {
		a.again(tb)
		if a.err != nil {
			t.Error(a.err)
			continue
		}
		word, _, _ := strings.Cut(a.report.Outcome, " ")
		if word == "wall" {
			word = a.report.Outcome
		}
		counts[word]++
		want := tb.want(a.script, a.shape)
		t.Logf("%-34s %-5s %-4s %-22s %5d ms %s", a.script.Name, a.shape, a.script.Expect, a.report.Outcome, a.report.Took.Milliseconds(), a.report.Text)
		switch {
		case *update:
			fresh.note(a.script, a.shape, a.report.Outcome, tb)
		case !allows(want, a.report.Outcome):
			t.Errorf("%s as %s ended with %q, the table says %q (%s)", a.script.Name, a.shape, a.report.Outcome, want, a.report.Text)
		}
	}
	t.Logf("%d scripts: %v", len(todo), counts)
	if *update {
		fresh.write(t)
	}
}
