package schedule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/schedule"
)

func mustParse(t testing.TB, cron, zone string) *schedule.Plan {
	t.Helper()
	p, err := schedule.Parse(schedule.Spec{Cron: cron, Timezone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each case is a stretch of local time around a change of the clock, and the
// local times of all ticks in it, with their offsets.
func TestChangesOfTheClock(t *testing.T) {
	const oslo, newYork, howe, kolkata = "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"
	for _, c := range []struct {
		name, cron, zone, after, until string
		want                           []string
	}{
		// Oslo: 2026-03-29 02:00 +01:00 becomes 03:00 +02:00.
		{"a daily time that is skipped comes an hour later", "30 2 * * *", oslo, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", []string{
			"2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00",
		}},
		{"the skipped moment itself", "0 2 * * *", oslo, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-29T03:00:00+02:00"}},
		{"a skipped time and the one that it falls on are one tick", "0 2,3 * * *", oslo, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-29T03:00:00+02:00"}},
		{"what is made up for and what is due mix in order", "50 2,3 * * *", oslo, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-29T03:50:00+02:00"}},
		{"in order, not as written", "10,50 1-3 * * *", oslo, "2026-03-28T23:00:00Z", "2026-03-29T12:00:00Z", []string{
			"2026-03-29T01:10:00+01:00", "2026-03-29T01:50:00+01:00", "2026-03-29T03:10:00+02:00", "2026-03-29T03:50:00+02:00",
		}},
		{"every 15 minutes is every 15 minutes over the gap", "*/15 * * * *", oslo, "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", []string{
			"2026-03-29T01:45:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00", "2026-03-29T03:30:00+02:00",
		}},
		{"hourly over the gap", "@hourly", oslo, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		{"seconds over the gap", "*/30 59 1,2 * * *", oslo, "2026-03-28T23:00:00Z", "2026-03-29T12:00:00Z", []string{
			"2026-03-29T01:59:00+01:00", "2026-03-29T01:59:30+01:00", "2026-03-29T03:59:00+02:00", "2026-03-29T03:59:30+02:00",
		}},
		// Oslo: 2026-10-25 03:00 +02:00 becomes 02:00 +01:00.
		{"a daily time that comes twice is one tick, the first", "30 2 * * *", oslo, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", []string{
			"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
		}},
		{"the end of the hour that comes twice is a time of its own", "0 3 * * *", oslo, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", []string{"2026-10-25T03:00:00+01:00"}},
		{"every 15 minutes of one hour is that hour once", "*/15 2 * * *", oslo, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", []string{
			"2026-10-25T02:00:00+02:00", "2026-10-25T02:15:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00",
		}},
		{"every 15 minutes goes on through both", "*/15 * * * *", oslo, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", []string{
			"2026-10-25T02:45:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00",
			"2026-10-25T03:00:00+01:00",
		}},
		{"hourly through both", "0 * * * *", oslo, "2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z", []string{
			"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00",
		}},
		{"every second hour is a list of times", "0 */2 * * *", oslo, "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z", []string{
			"2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00",
		}},
		// New York: 2026-03-08 02:00 -05:00 becomes 03:00 -04:00; 2026-11-01 02:00 -04:00 becomes 01:00 -05:00.
		{"the gap in America", "30 2 * * *", newYork, "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z", []string{"2026-03-08T03:30:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"the fold in America", "30 1 * * *", newYork, "2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"a beat in America", "30 * * * *", newYork, "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z", []string{
			"2026-11-01T00:30:00-04:00", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00", "2026-11-01T02:30:00-05:00",
		}},
		// Lord Howe moves by half an hour: 2026-10-04 02:00 +10:30 becomes 02:30 +11:00; 2026-04-05 02:00 +11:00 becomes 01:30 +10:30.
		{"a gap of half an hour", "15 2 * * *", howe, "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", []string{"2026-10-04T02:45:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"behind a gap of half an hour", "45 2 * * *", howe, "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", []string{"2026-10-04T02:45:00+11:00"}},
		{"every 15 minutes over half an hour", "*/15 * * * *", howe, "2026-10-03T15:10:00Z", "2026-10-03T16:00:00Z", []string{
			"2026-10-04T01:45:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-04T02:45:00+11:00", "2026-10-04T03:00:00+11:00",
		}},
		{"hourly over half an hour", "0 * * * *", howe, "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z", []string{
			"2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00", "2026-10-04T04:00:00+11:00",
		}},
		{"a fold of half an hour", "45 1 * * *", howe, "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"before a fold of half an hour", "15 1 * * *", howe, "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z", []string{"2026-04-05T01:15:00+11:00"}},
		{"a beat over a fold of half an hour", "*/15 * * * *", howe, "2026-04-04T14:30:00Z", "2026-04-04T15:30:00Z", []string{
			"2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-05T02:00:00+10:30",
		}},
		// No changes at all.
		{"a zone without changes", "30 2 * * *", kolkata, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", []string{"2026-03-29T02:30:00+05:30", "2026-03-30T02:30:00+05:30"}},
		{"no zone is UTC", "30 2 * * *", "", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-29T02:30:00Z"}},
		// Cairo has no midnight on 2026-04-24; Samoa had no 30 December 2011.
		{"a day without midnight", "0 0 * * *", "Africa/Cairo", "2026-04-23T00:00:00Z", "2026-04-25T00:00:00Z", []string{"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}},
		{"a day that there was not", "0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-10T00:00:00Z", []string{"2011-12-31T12:00:00+14:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.cron, c.zone)
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, tick := range p.Between(at(t, c.after), at(t, c.until), 100) {
				got = append(got, tick.In(zone).Format(time.RFC3339))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", c.cron, c.zone, diff)
			}
		})
	}
}

func TestCalendar(t *testing.T) {
	for _, c := range []struct {
		cron string
		want []string
	}{
		{"0 0 1,15 * 1", []string{"2026-02-01", "2026-02-02", "2026-02-09", "2026-02-15", "2026-02-16"}}, // either, as in every cron
		{"0 0 L * *", []string{"2026-02-28", "2026-03-31"}},
		{"0 0 15W * *", []string{"2026-02-16", "2026-03-16"}}, // both 15ths are Sundays
		{"0 0 * * FRI#3", []string{"2026-02-20", "2026-03-20"}},
		{"0 0 * * 5#L", []string{"2026-02-27", "2026-03-27"}},
		{"0 0 * * 7", []string{"2026-02-01", "2026-02-08"}},
		{"0 0 * * SAT-SUN", []string{"2026-02-01", "2026-02-07", "2026-02-08"}},
		{"0 0 29 2 *", []string{"2028-02-29", "2032-02-29"}},
		{"@monthly", []string{"2026-02-01", "2026-03-01"}},
		{" 0  0  1  JAN  ? ", []string{"2027-01-01"}},
		{"0 0 * * THU", []string{"2026-02-05"}}, // has an H in it
	} {
		p := mustParse(t, c.cron, "")
		var got []string
		for _, tick := range p.Upcoming(at(t, "2026-01-31T12:00:00Z"), len(c.want)) {
			got = append(got, tick.Format(time.DateOnly))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.cron, diff)
		}
	}
	// 2100 is no leap year.
	if got := mustParse(t, "0 0 29 2 *", "").Next(at(t, "2096-03-01T00:00:00Z")); got.Format(time.DateOnly) != "2104-02-29" {
		t.Errorf("after 2096 comes %s", got)
	}
}

// An H is spread by the script's name, always to the same time, and to a day
// that every month has.
func TestHash(t *testing.T) {
	times := map[string]bool{}
	for i := range 200 {
		spec := schedule.Spec{Cron: "H H H * *", Name: fmt.Sprint("script", i)}
		p, err := schedule.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		again, err := schedule.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		from := at(t, "2026-01-01T00:00:00Z")
		ticks := p.Upcoming(from, 12)
		if diff := cmp.Diff(ticks, again.Upcoming(from, 12)); diff != "" {
			t.Fatal(diff)
		}
		for n, tick := range ticks {
			if tick.Day() > 28 || int(tick.Month()) != (n+int(ticks[0].Month())-1)%12+1 {
				t.Fatalf("%s: tick %d is %s", spec.Name, n, tick)
			}
		}
		times[ticks[0].Format("02 15:04")] = true
	}
	if len(times) < 100 {
		t.Errorf("200 names fire at %d times", len(times))
	}
}

var testZones = []string{
	"", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo", "America/St_Johns",
	"Pacific/Apia", "America/Havana", "Asia/Tehran", "Antarctica/Troll", "Africa/Casablanca", "America/Caracas",
}

// expression draws one with times of the day that changes of the clock are at.
func expression(t *rapid.T) string {
	minute := rapid.SampledFrom([]string{"0", "30", "*/15", "*/20", "5,50", "*", "59"}).Draw(t, "minute")
	hour := rapid.SampledFrom([]string{"*", "2", "0", "1-3", "*/2", "23", "0-23", "2,3", "22-2"}).Draw(t, "hour")
	days := rapid.SampledFrom([]string{"* * *", "* * SUN", "29-31 * *", "* 3,10 *", "1 * MON"}).Draw(t, "days")
	return minute + " " + hour + " " + days
}

func TestNextIsOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(testZones).Draw(t, "zone")
		p, err := schedule.Parse(schedule.Spec{Cron: expression(t), Timezone: zone})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Unix(rapid.Int64Range(946684800, 2208988800).Draw(t, "start"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")) // 2000 to 2040
		ticks := p.Upcoming(start, 40)
		if len(ticks) != 40 {
			t.Fatalf("%d ticks", len(ticks))
		}
		before := start
		for _, tick := range ticks {
			if !tick.After(before) {
				t.Fatalf("after %s comes %s", before, tick)
			}
			if tick.Location() != time.UTC || tick.Nanosecond() != 0 {
				t.Fatalf("%s is not a whole second in UTC", tick)
			}
			// From wherever one looks between two ticks, the same one is next.
			gap := tick.Sub(before)
			from := before.Add(time.Duration(rapid.Int64Range(0, int64(gap)-1).Draw(t, "from")))
			if got := p.Next(from); !got.Equal(tick) {
				t.Fatalf("from %s, %s is next; from %s, %s", before, tick, from, got)
			}
			before = tick
		}
		until := ticks[rapid.IntRange(0, 39).Draw(t, "until")]
		n := slices.Index(ticks, until) + 1
		if diff := cmp.Diff(ticks[:n], p.Between(start, until, 1000)); diff != "" {
			t.Fatalf("Between is not Next again and again:\n%s", diff)
		}
		last := rapid.IntRange(1, 45).Draw(t, "last")
		if diff := cmp.Diff(ticks[max(0, n-last):n], p.Last(start, until, last)); diff != "" {
			t.Fatalf("Last(%d) is not the end of Between:\n%s", last, diff)
		}
	})
}

// The ticks of a few days around each change of the clock, made in another
// way: each minute that the hands can show is looked up among all moments.
func TestNextAgreesWithAClockOnTheWall(t *testing.T) {
	for _, zoneName := range testZones[1:] {
		zone, err := time.LoadLocation(zoneName)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changes(zone, 2010, 2030) {
			for _, cron := range []string{"30 2 * * *", "*/20 0-3 * * *", "*/20 * * * *", "7 */2 * * *", "0 23,0 * * *", "45 1-2 * * *"} {
				p := mustParse(t, cron, zoneName)
				from, until := change.Add(-30*time.Hour), change.Add(30*time.Hour)
				got := p.Between(from, until, 10_000)
				if diff := cmp.Diff(onTheWall(t, cron, zone, change, from, until), got); diff != "" {
					t.Fatalf("%s in %s around %s (-want +got):\n%s", cron, zoneName, change, diff)
				}
			}
		}
	}
}

func changes(zone *time.Location, from, to int) []time.Time {
	var out []time.Time
	t := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC)
	for {
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() || end.Year() > to {
			return out
		}
		out = append(out, end.UTC())
		t = end
	}
}

func onTheWall(t *testing.T, cron string, zone *time.Location, change, from, until time.Time) []time.Time {
	t.Helper()
	hands := mustParse(t, cron, "") // in UTC hands and moments are the same
	offset := func(t time.Time) time.Duration {
		_, s := t.In(zone).Zone()
		return time.Duration(s) * time.Second
	}
	old, now := offset(change.Add(-time.Second)), offset(change)
	var out []time.Time
	for _, w := range hands.Between(from.Add(-30*time.Hour), until.Add(30*time.Hour), 10_000) {
		var moments []time.Time
		for _, o := range slices.Compact([]time.Duration{old, now}) {
			if m := w.Add(-o); offset(m) == o {
				moments = append(moments, m)
			}
		}
		slices.SortFunc(moments, time.Time.Compare)
		switch {
		case len(moments) == 0:
			moments = []time.Time{w.Add(-old)}
		case len(moments) == 2 && cron != "*/20 * * * *":
			moments = moments[:1]
		}
		out = append(out, moments...)
	}
	slices.SortFunc(out, time.Time.Compare)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(m time.Time) bool { return !m.After(from) || m.After(until) })
}

// Finding the last ticks of ten years of seconds must not visit them all.
func TestLastLooksFromTheEnd(t *testing.T) {
	p := mustParse(t, "* * * * * *", "Europe/Oslo")
	until := at(t, "2026-05-01T00:00:00Z")
	got := p.Last(until.AddDate(-10, 0, 0), until, 2)
	if diff := cmp.Diff([]time.Time{until.Add(-time.Second), until}, got); diff != "" {
		t.Error(diff)
	}
	if got := p.Last(until, until, 5); len(got) != 0 {
		t.Errorf("nothing is between a moment and itself: %v", got)
	}
	if got := mustParse(t, "0 0 29 2 *", "").Last(at(t, "1500-01-01T00:00:00Z"), until, 3); len(got) != 3 || got[2].Year() != 2024 {
		t.Errorf("the last three of 500 years: %v", got)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct{ name, cron string }{{"every-15-minutes", "*/15 * * * *"}, {"daily", "30 2 * * *"}, {"leap-day", "0 0 29 2 *"}} {
		b.Run(c.name, func(b *testing.B) {
			p := mustParse(b, c.cron, "Europe/Oslo")
			t := at(b, "2026-01-01T00:00:00Z")
			for b.Loop() {
				p.Next(t)
			}
		})
	}
}
