package schedule

import (
	"time"

	"github.com/netresearch/go-cron"
)

// Overlap says what happens when a tick comes while the run of an earlier one
// is under way.
type Overlap string

// The overlaps. The empty one is Skip.
const (
	Skip  Overlap = "skip"  // the tick makes no run
	Queue Overlap = "queue" // it waits for the earlier one
	Allow Overlap = "allow" // both are under way
)

// CatchUp says what happens to ticks that passed while nothing was running.
type CatchUp string

// The catch-ups. The empty one is CatchUpNone.
const (
	CatchUpNone   CatchUp = "none"
	CatchUpLatest CatchUp = "latest" // one run, for the last tick missed
	CatchUpAll    CatchUp = "all"    // one run for every tick missed, oldest first
)

// Spec is what a script's config says about its schedule.
type Spec struct {
	// Cron is five fields, six with seconds first, or @hourly and the like.
	Cron string `json:"cron"`
	// Timezone is an IANA name; empty means UTC.
	Timezone string `json:"timezone,omitempty"`
	// Overlap is empty for Skip.
	Overlap Overlap `json:"overlap,omitempty"`
	// CatchUp is empty for CatchUpNone.
	CatchUp CatchUp `json:"catchUp,omitempty"`
	// Name is the script's. An H in Cron stands for a number that is made of
	// it, so that many scripts with one expression do not fire all at once. It
	// is not stored with the rest: what it belongs to has it.
	Name string `json:"-"`
}

// SameTicks reports whether two specs fire at the same moments.
func (s Spec) SameTicks(other Spec) bool {
	return s.Cron == other.Cron && s.Timezone == other.Timezone && s.Name == other.Name
}

// Plan is a Spec that was understood. It does not change and is safe for
// concurrent use.
type Plan struct {
	Spec Spec

	// wall is when the hands of a clock on the wall match. It knows no zone:
	// it is asked in UTC, where no time is skipped and none comes twice.
	wall *cron.SpecSchedule
	zone *time.Location
	beat bool // fires in every hour of the day
}
