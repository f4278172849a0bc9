// From the times on a wall's clock to moments. A time zone is a row of
// stretches with one offset from UTC each. Inside of a stretch both are the
// same but for the offset; what the clock skipped or showed twice is settled
// at the beginning of a stretch, where its offset differs from the one before.

package schedule

import (
	"slices"
	"time"
)

// Next returns the first tick after a moment, in UTC. It is zero only where
// years end (beyond 9999 or so).
func (p *Plan) Next(after time.Time) time.Time {
	from := after.UTC().Truncate(time.Second).Add(time.Second)
	// Every stretch ends or the expression matches in it: 12 years of two
	// changes each is more than any expression waits.
	for range 64 {
		s := p.stretchAt(from)
		if tick := p.inside(s, from); !tick.IsZero() {
			return tick
		}
		if s.end.IsZero() {
			break
		}
		from = s.end
	}
	return time.Time{}
}

// Upcoming returns the next n ticks after a moment.
func (p *Plan) Upcoming(after time.Time, n int) []time.Time {
	var ticks []time.Time
	for len(ticks) < n {
		after = p.Next(after)
		if after.IsZero() {
			break
		}
		ticks = append(ticks, after)
	}
	return ticks
}

// Between returns the ticks after a moment up to another, which is included:
// the first ones, at most limit.
func (p *Plan) Between(after, until time.Time, limit int) []time.Time {
	var ticks []time.Time
	for len(ticks) < limit {
		after = p.Next(after)
		if after.IsZero() || after.After(until) {
			break
		}
		ticks = append(ticks, after)
	}
	return ticks
}

// Last returns the last n ticks of those that Between would return without a
// limit, oldest first. It costs little however long the time between is.
func (p *Plan) Last(after, until time.Time, n int) []time.Time {
	if n <= 0 {
		return nil
	}
	for span := time.Minute; ; span *= 2 {
		from := until.Add(-span)
		all := span > 1<<61 || !from.After(after) // beyond, doubling overflows
		if all {
			from = after
		}
		var ticks []time.Time
		for t := p.Next(from); !t.IsZero() && !t.After(until); t = p.Next(t) {
			if len(ticks) >= 2*n {
				ticks = slices.Delete(ticks, 0, n)
			}
			ticks = append(ticks, t)
		}
		if all || len(ticks) >= n {
			return ticks[max(0, len(ticks)-n):]
		}
	}
}

// stretch is a time in which a zone keeps its offset from UTC.
type stretch struct {
	start, end time.Time     // zero: there is none
	offset     time.Duration // local time is UTC and this
	change     time.Duration // of the offset, at start
}

func (p *Plan) stretchAt(t time.Time) stretch {
	local := t.In(p.zone)
	start, end := local.ZoneBounds()
	s := stretch{start: start, end: end, offset: offsetOf(local)}
	if !start.IsZero() {
		s.change = s.offset - offsetOf(start.Add(-time.Second).In(p.zone))
	}
	return s
}

func offsetOf(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// inside returns the first tick of a stretch from a moment on, or zero.
func (p *Plan) inside(s stretch, from time.Time) time.Time {
	begin := from
	if again := s.start.Add(-s.change); s.change < 0 && !p.beat && begin.Before(again) {
		begin = again // until then the clock shows what it has shown already
	}
	tick := p.match(begin, s.offset)
	if !s.end.IsZero() && !tick.Before(s.end) {
		tick = time.Time{}
	}
	if s.change <= 0 {
		return tick
	}
	// What was skipped comes now, by the clock as it was before.
	late := p.match(from, s.offset-s.change)
	if late.IsZero() || !late.Before(s.start.Add(s.change)) || !s.end.IsZero() && !late.Before(s.end) {
		return tick
	}
	if tick.IsZero() || late.Before(tick) {
		return late
	}
	return tick
}

// match returns the first moment from one on at which a clock that is ahead of
// UTC by an offset matches, or zero.
func (p *Plan) match(from time.Time, offset time.Duration) time.Time {
	wall := p.wall.Next(from.UTC().Add(offset - time.Second))
	if wall.IsZero() {
		return wall
	}
	return wall.Add(-offset)
}
