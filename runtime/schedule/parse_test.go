package schedule_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/schedule"
)

// Every refusal names what is wrong and shows how it is written.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		spec schedule.Spec
		want []string
	}{
		{schedule.Spec{}, []string{"is empty", `"0 3 * * *" is 03:00 every day`}},
		{schedule.Spec{Cron: "0 3 * *"}, []string{"has 4 fields, not 5", "minute, hour, day of the month, month, day of the week"}},
		{schedule.Spec{Cron: "0 0 3 * * * 2026"}, []string{"has 7 fields"}},
		{schedule.Spec{Cron: "60 3 * * *"}, []string{"the minute", `"60"`, "0 to 59", `"*/15 * * * *"`}},
		{schedule.Spec{Cron: "0 24 * * *"}, []string{"the hour", `"24"`, "0 to 23"}},
		{schedule.Spec{Cron: "0 3 0 * *"}, []string{"the day of the month", "1 to 31"}},
		{schedule.Spec{Cron: "0 3 * 13 *"}, []string{"the month", "JAN to DEC"}},
		{schedule.Spec{Cron: "0 3 * * MO"}, []string{"the day of the week", `"MO"`, "SUN to SAT"}},
		{schedule.Spec{Cron: "0 3 * * 5L"}, []string{"the day of the week", `"FRI#L" (the last)`}},
		{schedule.Spec{Cron: "99 0 3 * * *"}, []string{"the second", `"99"`}},
		{schedule.Spec{Cron: "0,,5 3 * * *"}, []string{"the minute", `"0,,5"`}},
		{schedule.Spec{Cron: ", 3 * * *"}, []string{"the minute"}},
		{schedule.Spec{Cron: "+5 3 * * *"}, []string{"the minute", `"+5"`}},
		{schedule.Spec{Cron: "0 3 * * FRI-MON/2"}, []string{"the day of the week"}},
		{schedule.Spec{Cron: "H(0-5)/20 3 * * *"}, []string{"the minute"}},
		{schedule.Spec{Cron: strings.Repeat("1,", 150) + "1 * * * *"}, []string{"309 characters"}},
		{schedule.Spec{Cron: "0 3 31 2 *"}, []string{"never fires", "no such day"}},
		{schedule.Spec{Cron: "0 3 30 FEB ?"}, []string{"never fires"}},
		{schedule.Spec{Cron: "TZ=Europe/Oslo 0 3 * * *"}, []string{`timezone: "Europe/Oslo"`}},
		{schedule.Spec{Cron: "CRON_TZ=Europe/Oslo @daily"}, []string{`timezone: "Europe/Oslo"`}},
		{schedule.Spec{Cron: "@every 15m"}, []string{"start of the server", `"*/15 * * * *"`}},
		{schedule.Spec{Cron: "@every 5s"}, []string{`"*/5 * * * * *"`}},
		{schedule.Spec{Cron: "@every 2h"}, []string{`"0 */2 * * *"`}},
		{schedule.Spec{Cron: "@every 24h"}, []string{`"0 0 * * *"`}},
		{schedule.Spec{Cron: "@every 1m"}, []string{`"* * * * *"`}},
		{schedule.Spec{Cron: "@every 7m"}, []string{"the times instead"}},
		{schedule.Spec{Cron: "@every 1.5s"}, []string{"the times instead"}},
		{schedule.Spec{Cron: "@every"}, []string{"the times instead"}},
		{schedule.Spec{Cron: "@reboot"}, []string{"no time", "POST /api/v1/runs"}},
		{schedule.Spec{Cron: "@dayly"}, []string{"@daily"}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "Europe/Olso"}, []string{`no time zone "Europe/Olso"`, `did you mean "Europe/Oslo"?`}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "europe/oslo"}, []string{`did you mean "Europe/Oslo"?`}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "new york"}, []string{`did you mean "America/New_York"?`}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "PST"}, []string{`did you mean "America/Los_Angeles"?`}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "Local"}, []string{`no time zone "Local"`, "IANA name"}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "localtime"}, []string{"no time zone"}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "../../etc/passwd"}, []string{"no time zone"}},
		{schedule.Spec{Cron: "0 3 * * *", Timezone: "\xff\x00"}, []string{"no time zone"}},
		{schedule.Spec{Cron: "0 3 * * *", Overlap: "wait"}, []string{`overlap must be "skip", "queue" or "allow", not "wait"`}},
		{schedule.Spec{Cron: "0 3 * * *", CatchUp: "first"}, []string{`catchUp must be "none", "latest" or "all", not "first"`}},
	} {
		_, err := schedule.Parse(c.spec)
		if err == nil {
			t.Errorf("%+v is taken", c.spec)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q does not say %s", c.spec, err, want)
			}
		}
	}
}

// What a refused @every is told to write must be right.
func TestTheAdviceIsTaken(t *testing.T) {
	for _, interval := range []string{"1s", "5s", "30s", "1m", "15m", "1h", "2h", "6h", "24h"} {
		_, err := schedule.Parse(schedule.Spec{Cron: "@every " + interval})
		_, advice, _ := strings.Cut(err.Error(), "write ")
		d, _ := time.ParseDuration(interval)
		ticks := mustParse(t, strings.Trim(advice, `"`), "").Upcoming(time.Unix(0, 0), 5)
		for i := range 4 {
			if got := ticks[i+1].Sub(ticks[i]); got != d {
				t.Errorf("@every %s: %s fires after %s", interval, advice, got)
			}
		}
	}
}

// The list of names is that of the time zone database of this Go, and each of
// them loads.
func TestZoneNames(t *testing.T) {
	text, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(string(text))
	if !slices.IsSorted(listed) {
		t.Error("zones.txt is not in order")
	}
	for _, name := range listed {
		if _, err := schedule.Parse(schedule.Spec{Cron: "@daily", Timezone: name}); err != nil {
			t.Error(err)
		}
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal("no go command:", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal("this Go comes without its zones:", err)
	}
	defer archive.Close()
	var have []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			have = append(have, f.Name)
		}
	}
	slices.Sort(have)
	if diff := cmp.Diff(have, listed); diff != "" {
		t.Errorf("zones.txt is not Go's list (-go +ours):\n%s", diff)
	}
}

// The zones are in the program: it works on machines that have none.
func TestZonesAreEmbedded(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal("no go command:", err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is not imported")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"0 3 * * *", "*/10 * * * * *", "@hourly", "@every 5s", "0 0 L,15W * FRI#L", "H H(1-5)/2 H * THU", "22-2/2 * * NOV-FEB *", "0 0 29 2 7", "? ? ? ? ?",
		"0 0 31W 2 *", "0 0 L-30 * *", ",,, , , , ,", "1-2-3 * * * *", "0 0 * * 6-7/2",
	} {
		f.Add(seed, "Europe/Oslo", "orders/fulfil")
	}
	start := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, cron, zone, name string) {
		spec := schedule.Spec{Cron: cron, Timezone: zone, Name: name}
		p, err := schedule.Parse(spec)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		ticks := p.Upcoming(start, 3)
		if len(ticks) != 3 {
			t.Fatalf("%q has %d ticks", cron, len(ticks))
		}
		for before := start; len(ticks) > 0; ticks = ticks[1:] {
			if !ticks[0].After(before) {
				t.Fatalf("%q: after %s comes %s", cron, before, ticks[0])
			}
			before = ticks[0]
		}
	})
}
