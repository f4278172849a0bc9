// Package scheduler starts runs when the schedules of scripts say so.
//
//	s := scheduler.New(scheduler.Options{Start: …, Busy: …, Load: …, Save: …})
//	s.Start(ctx)
//	defer s.Close()
//	s.Update(map[string]*schedule.Spec{"reports/daily": {Cron: "0 3 * * *"}})
//
// The one invariant: a tick makes one run at most, whatever crashes when. It
// rests on two things: a tick is known by its time alone (Tick.Key), so that
// starting it twice is starting it once; and what is stored, the last tick
// decided, is written after the start and never before.
//
// It must not know what a run is, nor the store: it is given functions.
package scheduler
