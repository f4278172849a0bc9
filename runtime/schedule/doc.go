// Package schedule knows when a cron expression fires: in its time zone, over
// changes of the clock, and which ticks of a stretch of time were missed.
//
//	plan, err := schedule.Parse(schedule.Spec{Cron: "30 2 * * *", Timezone: "Europe/Oslo"})
//	next := plan.Next(time.Now())
//
// The one invariant: a tick is a moment that everybody computes the same from
// the expression alone, so that it can be the name of the run it starts. It is
// a whole second, in UTC.
//
// Clocks are set forward and back. Where a local time is skipped, its tick
// comes as much later as the clock was set forward; where a local time comes
// twice, its tick is the first (RFC 5545 says the same of recurring events).
// One thing is different: an expression that fires in every hour of the day
// ("*/15 * * * *") is a beat and not a time of day, and goes on through the
// hour that comes twice.
//
// It must not know scripts, runs or the store.
package schedule
