package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"reprise/bindings/authbind"
	"reprise/bindings/httpbind"
	"reprise/bindings/kv"
	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/bindings/secrets"
	"reprise/bindings/std"
	"reprise/connections"
	"reprise/connections/egress"
	"reprise/connections/logins"
	"reprise/connections/vault"
	"reprise/runtime"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/runtime/vm"
	"reprise/runtime/worker"
	"reprise/server"
	"reprise/server/admin"
	"reprise/server/metrics"
	"reprise/store"
	"reprise/store/badger"
)

// stopGrace is how long requests and runs in progress may take when the
// server stops.
const stopGrace = 10 * time.Second

// appOptions are how a command runs the program.
type appOptions struct {
	dev    bool // .env counts, visitors are told what is wrong
	memory bool // nothing is kept
	watch  bool
	show   io.Writer // where log entries are printed; nil for nowhere
	choose func(*logs.Entry) bool
	reread func() (*Config, error) // reads all settings anew; nil where they do not change
}

// app is the whole program, wired. It is made and started by startApp.
type app struct {
	config  *Config
	options appOptions

	project   *script.Project
	scripts   *scripts
	store     store.Store
	logData   store.LogStore
	log       *logs.Log
	screen    *terminal
	pool      *worker.Pool            // nil when scripts are executed in this process
	sandbox   atomic.Pointer[sandbox] // what the first worker said
	ended     atomic.Uint64           // workers that were not dismissed
	builder   *script.BuilderProcess  // nil when sources are bundled in this process
	sees      atomic.Pointer[sandbox] // what the first builder process said
	metrics   *metrics.Metrics
	engine    *runtime.Engine
	secrets   *connections.Secrets
	vault     *vault.Vault   // nil when nothing is kept
	logins    *logins.Logins // nil when nothing is kept
	http      *httpbind.Binding
	server    *server.Server
	watch     func() error // stops watching
	upstreams *connections.Set
	live      []connections.Upstream // that reprise.yaml had last; the watcher's
}

// modules are the VM sides of the bindings.
func modules() []vm.Module {
	return []vm.Module{httpbind.Module(), kv.Module(), run.Module(), retry.Module(), authbind.Module(), secrets.Module(), std.Module()}
}

// startApp wires the rooms together and starts them. When it returns, both
// origins answer. Whatever fails, what was started is closed again.
func startApp(ctx context.Context, c *Config, o appOptions) (*app, error) {
	a := &app{config: c, options: o, watch: func() error { return nil }}
	if err := a.start(ctx); err != nil {
		return nil, errors.Join(err, a.close(ctx))
	}
	return a, nil
}

func (a *app) start(ctx context.Context) (err error) {
	logger := slog.New(&serverLog{log: a})
	if a.project, err = script.OpenProject(a.config.Dir); err != nil {
		return usagef("%w", err)
	}
	workers := a.newWorkers(logger)
	if a.upstreams, err = connections.NewSet(a.config.Connections...); err != nil {
		return usagef("%w", err)
	}
	a.live = a.config.Connections
	a.scripts = newScripts(a.config, a.project, a.newBuilder(), workers, a.upstreams, logger)
	if a.options.watch && !a.options.memory {
		a.scripts.opened = make(chan store.Store, 1)
	}
	a.count()
	if err := a.loadAndOpen(ctx, logger); err != nil {
		return err
	}
	if o := a.options; o.show != nil {
		a.screen = showLog(ctx, a.log, o.show, a.config.LogFormat, o.choose)
	}
	a.scripts.attach(a.log)
	return a.serve(ctx, workers, logger)
}

// Emit sends an entry to the log, which may still have to be opened.
func (a *app) Emit(e logs.Entry) uint64 { return a.scripts.Emit(e) }

// loadAndOpen builds the scripts and opens the stores, all at the same time.
func (a *app) loadAndOpen(ctx context.Context, logger *slog.Logger) error {
	var group errgroup.Group
	group.Go(func() error { return a.scripts.registry.Load(ctx) })
	if a.pool != nil {
		group.Go(a.pool.Start)
	}
	group.Go(func() (err error) {
		s, err := badger.Open(badger.Options{Dir: filepath.Join(a.config.Data, "store"), InMemory: a.options.memory, Logger: logger})
		if err == nil {
			a.store = s
		}
		if a.scripts.opened != nil {
			a.scripts.opened <- a.store // there is room
		}
		return err
	})
	group.Go(func() error {
		l, err := badger.OpenLogs(badger.LogOptions{Dir: filepath.Join(a.config.Data, "logs"), InMemory: a.options.memory, Logger: logger})
		if err != nil {
			return err
		}
		a.logData = l
		a.log, err = logs.Open(ctx, logs.Options{Store: l, Retention: a.config.LogRetention, MaxBytes: a.config.LogMaxBytes})
		return err
	})
	return group.Wait()
}

// serve makes the engine and the server and starts them.
func (a *app) serve(ctx context.Context, workers worker.Workers, logger *slog.Logger) error {
	c := a.config
	if err := a.openSecrets(ctx, logger); err != nil {
		return err
	}
	env, err := c.envJSON()
	if err != nil {
		return err
	}
	m := a.metrics
	for i := range a.live {
		if a.live[i].Broken != "" {
			a.sayBroken(&a.live[i], "it can not be used")
		}
	}
	a.upstreams.Observe(connections.Observer{Request: m.ConnectionRequest, Circuit: a.circuit, Held: a.held, Retry: m.ConnectionRetry, Cached: m.ConnectionCached, Spent: a.spent})
	a.scripts.reloaded = m.Reloaded
	policy, err := egress.New(egress.Options{Allow: c.EgressAllow, Loopback: a.options.dev})
	if err != nil {
		return usagef("egress.allow: %w", err)
	}
	a.http = httpbind.New(httpbind.Options{Connections: a.upstreams, Secrets: a.secrets, Egress: policy})
	a.openLogins(ctx, logger)
	a.engine, err = runtime.New(ctx, runtime.Options{
		Store: a.store, Log: a.log, Scripts: a.scripts, Workers: workers, Meter: m, Logger: logger,
		Bindings: []runtime.Binding{a.http, kv.New(a.store), secrets.New(a.secrets)},
		Env:      env, Secrets: a.secrets.Names,
		Lines: a.scripts.lines, Revisions: a.scripts, URL: a.publicURL, Retention: runtime.Retention{Age: c.RunRetention, PerScript: c.RunMaxPerScript},
	})
	if err != nil {
		return err
	}
	a.engine.Bind(run.New(a.engine))
	if a.options.watch { // not for one run of a file
		a.scripts.schedule(a.engine)
	}
	o := a.serverOptions(m, logger)
	o.Listening = func() error {
		return errors.Join(policy.Guard(a.server.AdminAddr()), a.upstreams.SetSelf(a.server.SelfURL()))
	}
	a.server, err = server.New(o)
	if err != nil {
		return usagef("%w", err)
	}
	a.scripts.server.Store(a.server)
	if err := a.server.Start(ctx); err != nil {
		return err
	}
	a.engine.Run() // now that what runs call is there
	if a.options.watch {
		a.startWatching(ctx, logger)
	}
	return nil
}

// count makes the metrics. They are there before anything happens that counts;
// what their gauges ask is made later, and before anybody can ask.
func (a *app) count() {
	gauges := metrics.Options{
		Version: Version, Scripts: a.scripts.counts,
		Tails: func() int {
			if s := a.scripts.server.Load(); s != nil {
				return s.Tails()
			}
			return 0
		},
		LogDropped: func() uint64 {
			s := a.log.Stats()
			return s.Lost + s.Gapped
		},
		LogBytes: func() int64 {
			if l, ok := a.logData.(interface{ Bytes() int64 }); ok {
				return l.Bytes()
			}
			return 0
		},
	}
	a.workerGauges(&gauges)
	a.metrics = metrics.New(gauges)
}

// publicURL is where people reach the script origin.
func (a *app) publicURL() string {
	if s := a.scripts.server.Load(); s != nil {
		return s.ScriptsURL()
	}
	return ""
}

func (a *app) serverOptions(m *metrics.Metrics, logger *slog.Logger) server.Options {
	c := a.config
	o := server.Options{
		Addr: c.Addr, Admin: c.Admin, DataDir: c.Data, Engine: a.engine, Scripts: a.scripts.registry, Log: a.log, Metrics: m,
		Secret: a.secrets.Value, Client: a.http.Client(), Connections: a.upstreams,
		Logger: logger, Version: Version, Project: a.project.Root, Dev: a.options.dev,
		TLSCert: c.TLSCert, TLSKey: c.TLSKey, AdminHosts: c.AdminHosts, Limits: c.Limits, Workers: a.describeWorkers,
	}
	if rel, err := filepath.Rel(a.project.Root, a.project.Scripts); err == nil {
		o.Folder = filepath.ToSlash(rel)
	}
	if a.pool != nil {
		o.Apart = a.pool.Marked
	}
	if c.NoAdmin {
		o.Admin = ""
	}
	if a.options.memory {
		o.DataDir = ""
	}
	if a.vault != nil {
		o.Secrets = a.vault
	}
	if a.logins != nil {
		o.Connections, o.Logins = a.logins, a.logins
	}
	o.Checks = append(o.Checks, admin.Check{Name: "workers", Test: a.checkWorkers}, admin.Check{Name: "sandbox", Test: func() error { return nil }, Note: a.sandboxNote})
	if h, ok := a.store.(interface{ Health() error }); ok {
		o.Checks = append(o.Checks, admin.Check{Name: "store", Test: h.Health})
	}
	return o
}

// startWatching keeps the scripts current until the app is closed.
func (a *app) startWatching(ctx context.Context, logger *slog.Logger) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	if a.options.reread != nil {
		watching.Go(func() { a.watchConfig(ctx) })
	}
	watching.Go(func() {
		if err := a.scripts.registry.Watch(ctx); err != nil {
			logger.Error("files are not watched: saves need a restart", "error", err)
		}
	})
	a.watch = func() error {
		cancel()
		watching.Wait()
		return nil
	}
}

// wait returns when ctx is done or the server has failed.
func (a *app) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.server.Failed():
		return err
	}
}

// close stops what was started, in the reverse order: no new requests, then
// the runs in progress, then what they use.
func (a *app) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	errs := []error{a.watch()}
	if a.server != nil {
		errs = append(errs, a.server.Close(ctx))
	}
	if a.engine != nil {
		errs = append(errs, a.engine.Close(ctx))
	}
	if a.scripts != nil {
		a.scripts.lines.Close()
	}
	if a.pool != nil {
		a.pool.Close()
	}
	if a.builder != nil {
		a.builder.Close()
	}
	if a.logins != nil {
		a.logins.Close(ctx)
	}
	if a.http != nil {
		a.http.Close()
	}
	if a.vault != nil {
		a.vault.Close()
	}
	if a.store != nil { // before the log: it is what must not be lost
		errs = append(errs, a.store.Close())
	}
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	if a.screen != nil {
		a.screen.close(ctx)
	}
	if a.logData != nil {
		errs = append(errs, a.logData.Close())
	}
	return errors.Join(errs...)
}

// announce prints where the program answers.
func (a *app) announce(w io.Writer) {
	fmt.Fprintf(w, "listening on %s\n", a.server.ScriptsURL())
	if url := a.server.StudioURL(); url != "" {
		fmt.Fprintf(w, "studio       %s\n", url)
	}
	n := len(a.scripts.registry.List())
	dir := a.project.Scripts
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, dir); err == nil {
			dir = rel
		}
	}
	fmt.Fprintf(w, "scripts      %d in %s\n", n, dir)
	if n == 0 {
		fmt.Fprintf(w, "             save one there, or let \"reprise init\" write a first one\n")
	}
}
