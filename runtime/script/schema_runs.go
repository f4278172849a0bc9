// The part of a config's schema that is about durable runs.

package script

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"reprise/runtime/schedule"
)

// durableKeys are the keys of a config that concern durable runs alone.
var durableKeys = []string{"schedule", "concurrency", "rate", "onFailure", "onFailed", "durability"}

// durable reads one of the durableKeys and reports whether it is one.
func (s *schema) durable(c *Config, key string, v *literal) bool {
	switch key {
	case "schedule":
		c.Schedule = s.schedule(v)
	case "concurrency":
		c.Concurrency = s.concurrency(v)
	case "rate":
		c.Rate = s.rate(v)
	case "onFailure":
		c.OnFailure = OnFailure(s.oneOf(v, key, string(OnFailureFail), string(OnFailurePause)))
	case "onFailed":
		c.OnFailed = s.onFailed(v)
	case "durability":
		c.Durability = Durability(s.oneOf(v, key, string(DurabilityGated), string(DurabilityStrict)))
	default:
		return false
	}
	return true
}

// schedule reads a cron expression, or one with how it is to be taken.
func (s *schema) schedule(l *literal) *schedule.Spec {
	spec := &schedule.Spec{Name: s.script}
	cron, zone := l, (*literal)(nil)
	switch l.kind {
	case stringLiteral:
		spec.Cron = l.text
	case objectLiteral:
		s.object(l, "config.schedule", func(key string, v *literal) bool {
			switch key {
			case "cron":
				spec.Cron = s.text(v, key)
			case "timezone":
				spec.Timezone = s.text(v, key)
			case "overlap":
				spec.Overlap = schedule.Overlap(s.oneOf(v, key, string(schedule.Skip), string(schedule.Queue), string(schedule.Allow)))
			case "catchUp":
				spec.CatchUp = schedule.CatchUp(s.oneOf(v, key, string(schedule.CatchUpNone), string(schedule.CatchUpLatest), string(schedule.CatchUpAll)))
			default:
				return false
			}
			return true
		}, "cron", "timezone", "overlap", "catchUp")
		if cron, zone = l.get("cron"), l.get("timezone"); cron == nil {
			s.fail(l, `schedule must have a cron expression: { cron: "0 3 * * *" } is 03:00 every day`)
		}
	default:
		s.fail(l, `schedule must be a cron expression or { cron, timezone, overlap, catchUp }, not %s; "0 3 * * *" is 03:00 every day`, l.kind)
		return nil
	}
	s.understood(*spec, cron, zone)
	return spec
}

// understood tells errors of the expression from those of the zone, so that
// each is shown where it is.
func (s *schema) understood(spec schedule.Spec, cron, zone *literal) {
	if cron != nil && cron.kind == stringLiteral {
		if _, err := schedule.Parse(schedule.Spec{Cron: spec.Cron, Name: spec.Name}); err != nil {
			s.fail(cron, "%s", err)
		}
	}
	if zone != nil && zone.kind == stringLiteral {
		if zone.text == "" {
			s.fail(zone, `timezone can not be empty: leave it out for UTC, or write a name such as "Europe/Oslo"`)
		}
		if _, err := schedule.Parse(schedule.Spec{Cron: "@daily", Timezone: spec.Timezone}); err != nil {
			s.fail(zone, "%s", err)
		}
	}
}

func (s *schema) concurrency(l *literal) *Concurrency {
	c := &Concurrency{}
	switch l.kind {
	case numberLiteral:
		c.Limit = s.limit(l, "concurrency", MaxConcurrency)
	case objectLiteral:
		s.object(l, "config.concurrency", func(key string, v *literal) bool {
			switch key {
			case "limit":
				c.Limit = s.limit(v, key, MaxConcurrency)
			case "key":
				c.Key = s.key(v)
			default:
				return false
			}
			return true
		}, "limit", "key")
		if l.get("limit") == nil {
			s.fail(l, "concurrency must have a limit: { limit: 1 } is one run at a time")
		}
	default:
		s.fail(l, "concurrency must be a number or { limit, key }, not %s", l.kind)
	}
	return c
}

func (s *schema) rate(l *literal) *Rate {
	r := &Rate{}
	s.object(l, "config.rate", func(key string, v *literal) bool {
		switch key {
		case "limit":
			r.Limit = s.limit(v, key, MaxRate)
		case "per":
			r.Per = s.per(v)
		case "key":
			r.Key = s.key(v)
		default:
			return false
		}
		return true
	}, "limit", "per", "key")
	if l.kind == objectLiteral && (l.get("limit") == nil || l.get("per") == nil) {
		s.fail(l, `rate must have a limit and a time: { limit: 10, per: "1m" } lets ten runs begin in any minute`)
	}
	return r
}

func (s *schema) limit(l *literal, name string, most int) int {
	if l.kind != numberLiteral || l.number < 1 || l.number > float64(most) || l.number != math.Trunc(l.number) {
		got := l.kind.String()
		if l.kind == numberLiteral {
			got = fmt.Sprint(l.number)
		}
		s.fail(l, "%s must be a whole number from 1 to %d, not %s", name, most, got)
		return 0
	}
	return int(l.number)
}

func (s *schema) per(l *literal) Duration {
	d, ok := s.duration(l, "per")
	switch {
	case ok && d < time.Millisecond:
		s.fail(l, "per must be a millisecond at least")
	case d > MaxRatePer:
		s.fail(l, "per can be %d days at most: the starts of that time are remembered", MaxRatePer/(24*time.Hour))
	}
	return Duration(d)
}

var (
	keyPattern  = regexp.MustCompile(`^input(\.[A-Za-z0-9_$-]+)*$`)
	pathPattern = regexp.MustCompile(`^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$`)
)

// key checks a path such as input.order.id. It holds no expressions, so that
// it is read by the host, which runs no script to know how runs are counted.
func (s *schema) key(l *literal) string {
	key := s.text(l, "key")
	if l.kind != stringLiteral || keyPattern.MatchString(key) {
		return key
	}
	example := "input.orderId"
	if pathPattern.MatchString(key) {
		example = "input." + key
	}
	s.fail(l, "key must be a dotted path into the input, such as %q, and no expression, not %q", example, key)
	return ""
}

func (s *schema) onFailed(l *literal) string {
	name := s.text(l, "onFailed")
	if l.kind != stringLiteral {
		return ""
	}
	bare := strings.TrimPrefix(path.Clean("/"+name), "/")
	if ext := path.Ext(bare); slices.Contains([]string{".ts", ".js", ".mts", ".mjs"}, ext) {
		bare = strings.TrimPrefix(strings.TrimSuffix(bare, ext), "scripts/") // a file's path was meant
	}
	switch {
	case bare == "" || strings.ContainsAny(name, "\\\x00\n"):
		s.fail(l, `onFailed must be the name of a script, such as "alerts/failed", not %q`, name)
	case bare != name:
		s.fail(l, "onFailed must be the name of a script, its path without the extension: %q, not %q", bare, name)
	case name == s.script:
		s.fail(l, "onFailed can not be the script itself: it would start again for as long as it fails")
	}
	return name
}
