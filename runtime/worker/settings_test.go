package worker

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsAreSaidOnce(t *testing.T) {
	// A setting is said with the first run that has it, and again only when it
	// changed or was forgotten for others.
	var server, worker settings
	said := 0
	begin := func(revision, env string) {
		t.Helper()
		x := Start{Run: "r", Script: "s", Revision: revision, Env: []byte(env), Connections: []string{"self"}}
		s, fresh := server.say(&x)
		if fresh {
			said++
			if err := worker.learn(*s); err != nil {
				t.Fatal(err)
			}
		}
		got, err := parseStart(appendStart(nil, &x, s.Number), &worker)
		if diff := cmp.Diff(x, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	}
	expect := func(n int) {
		t.Helper()
		if said != n {
			t.Errorf("%d settings were said, want %d", said, n)
		}
		said = 0
	}
	begin("a", `{}`)
	begin("a", `{}`)
	expect(1)
	begin("a", `{"X":"1"}`)
	begin("a", `{"X":"1"}`)
	expect(1)
	for i := range maxSettings {
		begin("b"+strconv.Itoa(i), `{}`)
	}
	begin("b9", `{}`)
	expect(maxSettings)
	begin("a", `{"X":"1"}`) // its place is another's by now
	expect(1)
	if len(server.list) != maxSettings || len(worker.list) != maxSettings || len(server.number) > maxSettings {
		t.Errorf("%d, %d and %d are remembered", len(server.list), len(worker.list), len(server.number))
	}
}

func TestSettingsThatNobodySaid(t *testing.T) {
	var none settings
	if got, err := parseStart(appendStart(nil, &Start{Run: "r"}, 0), &none); err == nil {
		t.Errorf("%+v was begun", got)
	}
	for _, n := range []uint64{1, maxSettings, 1 << 63} {
		if err := none.learn(setting{Number: n}); err == nil {
			t.Errorf("the setting %d was learned first", n)
		}
	}
}
