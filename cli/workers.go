package cli

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"

	"reprise/bindings/httpbind"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/proc"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
	"reprise/server/api"
	"reprise/server/metrics"
)

// The roles of child processes, which are arguments of the program, too.
const (
	workerRole     = "worker"
	builderRole    = "builder"
	requireSandbox = "--require-sandbox"
)

// Child does the work of a child process, if this process is one, and then ends
// it. Main begins with it; a test binary whose tests start servers must call it
// at the beginning of TestMain.
func Child() {
	proc.Main(map[string]proc.Role{workerRole: serveWorker, builderRole: serveBuilder})
}

// sandbox is what a child says of itself.
type sandbox struct {
	proc.Report
	proc.Check
}

// serveWorker is the role of a worker: it gives up its rights, and only then
// reads what it is to do.
func serveWorker(c *proc.Conn, args []string) int {
	report, err := proc.GiveUp(proc.Rights{})
	if err == nil {
		err = executeScripts(c, sandbox{report, proc.SelfCheck(proc.Rights{})}, len(args) > 0 && args[0] == requireSandbox)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func executeScripts(c *proc.Conn, s sandbox, strict bool) error {
	if why := s.weak(); why != "" && strict {
		return fmt.Errorf("this system can not confine a worker as --require-sandbox asks: %s", why)
	}
	defer keepHeapRoomy()()
	return worker.Serve(c, vmOptions(), s)
}

// weak says what a child can do that it should not be able to, or is empty.
func (s *sandbox) weak() string {
	why := s.Missing
	if len(s.Allowed) > 0 {
		why = append(why, "it can still "+strings.Join(s.Allowed, ", "))
	}
	return strings.Join(why, "; ")
}

// vmOptions are what VMs are made with, wherever they are.
func vmOptions() worker.Options {
	return worker.Options{Platform: web.Platform(), Modules: modules(), Connect: httpbind.Connect}
}

// readWorkers reads the settings of worker processes. A command without the flag
// has none.
func (c *Config) readWorkers(k *koanf.Koanf) (err error) {
	switch text := k.String("workers"); text {
	case "":
	case "auto":
		c.Workers = goruntime.GOMAXPROCS(0)
	default:
		if c.Workers, err = strconv.Atoi(text); err != nil || c.Workers < 0 || c.Workers > mostWorkers {
			return usagef("--workers is %q; it is auto, or a number from 0 to %d", text, mostWorkers)
		}
	}
	text := k.String("workerMemory")
	if text == "" {
		return nil
	}
	if c.WorkerMemory, err = call.ParseSize(text); err != nil {
		return usagef("--worker-memory: %w", err)
	}
	if c.WorkerMemory < leastMemory {
		return usagef("--worker-memory is %s; a worker needs %s at least", text, call.FormatSize(leastMemory))
	}
	return nil
}

const (
	// mostWorkers is more than there are cores.
	mostWorkers = 1024
	// leastMemory is what a worker needs for itself and some scripts.
	leastMemory = 96 << 20
)

// newWorkers makes what scripts are executed by: processes, or this one.
func (a *app) newWorkers(logger *slog.Logger) worker.Workers {
	c := a.config
	if c.Workers == 0 || a.options.memory {
		vm.LimitTurns(c.Limits.OrDefaults().TurnCPU)
		return worker.New(vmOptions())
	}
	var args []string
	if c.RequireSandbox {
		args = append(args, requireSandbox)
	}
	env := []string{"GOMAXPROCS=" + strconv.Itoa(worker.Procs(c.Workers))}
	a.pool = worker.NewPool(worker.PoolOptions{
		Workers: c.Workers, Memory: c.WorkerMemory, OnEvent: a.workerEvent, Logger: logger,
		Spawn: func() (*proc.Process, error) {
			return proc.Start(workerRole, proc.Options{Args: args, Env: env, Shared: worker.SharedMemory, MaxFrame: frameFor(c.Limits)})
		},
	})
	return a.pool
}

// frameFor is how large a frame must be able to be, for the largest body to cross
// in one piece with what belongs to it.
func frameFor(l call.Limits) int {
	const besides = 1 << 20
	return max(proc.DefaultMaxFrame, int(l.OrDefaults().Body)+besides)
}

// workerEvent says in the log what happened to a worker, and to whom.
func (a *app) workerEvent(e worker.Event) {
	switch e.Kind {
	case worker.EventStarted:
		a.workerStarted(e)
		return
	case worker.EventFailed:
		a.scripts.Emit(serverEntry(logs.Error, e.String()+"; trying again", nil))
		return
	}
	a.ended.Add(1)
	a.metrics.WorkerEnded(e.Limit)
	for _, en := range endEntries(e, time.Now()) {
		a.scripts.Emit(en)
	}
}

// endEntries are what the log has about a worker that ended: one entry, which is
// the script's where only one was executing, or else one for each of them, too.
func endEntries(e worker.Event, now time.Time) []logs.Entry {
	fields := map[string]any{"worker": e.Worker, "pid": e.Pid, "limit": e.Limit}
	all := serverEntry(logs.Warn, e.String(), fields)
	all.Time = now
	if e.Worker != worker.Quarantine { // which is there when it is needed
		all.Msg += "; another one takes its place"
	}
	if len(e.Suspects) == 1 {
		return []logs.Entry{suspectEntry(all, e.Suspects[0], all.Msg+". "+fate(e.Suspects[0], now), fields)}
	}
	list := []logs.Entry{all}
	for _, s := range e.Suspects {
		list = append(list, suspectEntry(all, s, e.Name()+" has ended. "+fate(s, now), fields))
	}
	return list
}

// suspectEntry makes of what is said of all the entry of one.
func suspectEntry(en logs.Entry, s worker.Suspect, msg string, fields map[string]any) logs.Entry {
	en.Script, en.Revision, en.Run, en.Msg = s.Script, s.Revision, s.Run, msg
	if s.Guilty {
		en.Level = logs.Error
	}
	if !s.Until.IsZero() {
		fields = maps.Clone(fields)
		fields["apart"] = s.Until.UTC().Format(time.RFC3339)
		en.Fields = encoded(fields)
	}
	return en
}

// fate says, in a sentence, what a suspect was doing and what becomes of it.
func fate(s worker.Suspect, now time.Time) string {
	switch {
	case s.Guilty && s.Until.IsZero():
		return "Only " + s.Script + " was being loaded there"
	case s.Guilty:
		return fmt.Sprintf("For the next %s, what begins of %s executes in the quarantine, one turn at a time", s.Until.Sub(now).Round(time.Second), s.Script)
	case s.Run == "":
		return s.Script + " was being loaded there and may be why; it is loaded again, alone in a process"
	case s.Durable:
		return s.Script + " was executing there and may be why; the run is played again, alone in a process"
	}
	return s.Script + " was executing there and may be why; a GET that has written nothing is tried again, alone in a process, another request is answered with 503"
}

// workerStarted keeps what a worker says of its sandbox, and logs it once.
func (a *app) workerStarted(e worker.Event) {
	a.scripts.Emit(serverEntry(logs.Debug, e.String(), map[string]any{"worker": e.Worker, "pid": e.Pid}))
	var s sandbox
	if err := json.Unmarshal(e.Ready, &s); err != nil {
		s.Missing = []string{"what it said of its rights can not be read"}
	}
	if first := a.sandbox.Swap(&s) == nil; !first {
		return
	}
	if why := s.weak(); why != "" {
		a.scripts.Emit(serverEntry(logs.Warn, "scripts are confined less than they could be: "+why, map[string]any{"holds": s.Report.String()}))
		return
	}
	a.scripts.Emit(serverEntry(logs.Debug, "scripts are executed in processes without rights: "+s.Report.String(), nil))
}

func serverEntry(level logs.Level, msg string, fields map[string]any) logs.Entry {
	return logs.Entry{Time: time.Now(), Kind: logs.KindServer, Level: level, Msg: msg, Fields: encoded(fields)}
}

func encoded(fields map[string]any) []byte {
	if len(fields) == 0 {
		return nil
	}
	b, err := call.Encode(fields)
	if err != nil {
		panic("cli: texts and numbers are JSON: " + err.Error())
	}
	return b
}

// checkWorkers reports that no worker is there.
func (a *app) checkWorkers() error {
	if a.pool == nil || a.pool.Alive() > 0 {
		return nil
	}
	return fmt.Errorf("no worker process is there to execute scripts")
}

// sandboxNote says how well scripts are confined.
func (a *app) sandboxNote() string {
	s := a.sandbox.Load()
	switch {
	case a.pool == nil:
		return "none: scripts are executed by the server itself"
	case s == nil:
		return "not known yet"
	case s.weak() != "":
		return "incomplete: " + s.weak()
	}
	if b := a.sees.Load(); b != nil && b.weak() != "" {
		return "incomplete for the builder process: " + b.weak()
	}
	return "ok"
}

// describeWorkers is what the API says of the workers.
func (a *app) describeWorkers() api.Workers {
	out := api.Workers{Sandbox: a.sandboxNote()}
	if a.pool != nil {
		out.Count, out.Alive, out.Memory = a.config.Workers, a.pool.Alive(), a.pool.RSS()
		out.MemoryLimit, out.Ended = a.config.WorkerMemory, a.ended.Load()
	}
	return out
}

// workerGauges are what the metrics ask about workers.
func (a *app) workerGauges(o *metrics.Options) {
	if a.pool != nil {
		o.Workers, o.WorkerMemory = a.pool.Alive, a.pool.RSS
	}
}
