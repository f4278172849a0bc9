package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// maxNames is how many different scripts, and how many kinds of calls, get
	// a label of their own: at 5 statuses each, 5,000 series of runs.
	maxNames = 1000
	// other is the label of all further ones.
	other = "other"
)

// Options are the gauges, read whenever somebody asks. Any may be nil.
type Options struct {
	Version string
	// Tails counts the open tails.
	Tails func() int
	// LogDropped counts the log entries that a reader or the disk has missed.
	LogDropped func() uint64
	// StoreBytes and LogBytes are what the stores take on disk.
	StoreBytes func() int64
	LogBytes   func() int64
	// Workers counts the worker processes, WorkerMemory what they take, in bytes.
	Workers      func() int
	WorkerMemory func() int64
	// Scripts counts the scripts in each state.
	Scripts func() map[string]int
}

// Metrics counts. It is safe for concurrent use.
type Metrics struct {
	registry     *prometheus.Registry
	runs         *prometheus.CounterVec
	runTime      *prometheus.HistogramVec
	requests     *prometheus.CounterVec
	reqTime      *prometheus.HistogramVec
	calls        *prometheus.HistogramVec
	failures     *prometheus.CounterVec
	reloads      *prometheus.CounterVec
	workers      *prometheus.CounterVec
	upstreams    *prometheus.CounterVec
	upstreamWait *prometheus.HistogramVec
	retries      *prometheus.CounterVec
	cached       *prometheus.CounterVec
	scripts      names
	kinds        names
}

// New makes metrics with a registry of their own.
func New(o Options) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_runs_total", Help: "Durable runs that ended, by script and final status.",
		}, []string{"script", "status"}),
		runTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_run_duration_seconds", Help: "Time from the start of a durable run to its end, waits included.",
			Buckets: []float64{.01, .1, 1, 10, 60, 600, 3600, 86400, 604800},
		}, []string{"status"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_requests_total", Help: "HTTP requests on the script origin, by script (empty when none answered) and class of status.",
		}, []string{"script", "status"}),
		reqTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_request_duration_seconds", Help: "Time a script took to answer an HTTP request.",
			Buckets: prometheus.DefBuckets,
		}, []string{"script"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_call_duration_seconds", Help: "Time of the calls that scripts make, by kind.",
			Buckets: []float64{.0001, .001, .005, .01, .05, .1, .5, 1, 5, 30},
		}, []string{"kind"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_call_failures_total", Help: "Calls that ended with an error, by kind.",
		}, []string{"kind"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_reloads_total", Help: "Reloads of scripts, by result.",
		}, []string{"result"}),
		upstreams: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_connection_requests_total", Help: "Requests sent to connections, each attempt, by connection and class of status (error: no answer).",
		}, []string{"connection", "status"}),
		upstreamWait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reprise_connection_wait_seconds", Help: "Time requests waited for the limits of their connection.",
			Buckets: []float64{.001, .01, .1, 1, 10, 60, 600},
		}, []string{"connection"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_connection_retries_total", Help: "Retries that calls to connections wanted, by connection and result (sent, or refused by the retry budget).",
		}, []string{"connection", "result"}),
		cached: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_connection_cache_total", Help: "GET and HEAD calls to connections with a cache, by connection and result (hit, stale, revalidated, shared, miss, bypass).",
		}, []string{"connection", "result"}),
		workers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reprise_worker_ends_total", Help: "Worker processes that ended and were replaced, by the limit that was exceeded.",
		}, []string{"limit"}),
	}
	m.registry.MustRegister(m.runs, m.runTime, m.requests, m.reqTime, m.calls, m.failures, m.reloads, m.upstreams, m.upstreamWait, m.retries, m.cached, m.workers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauges(o)
	return m
}

// gauges registers what is read when somebody asks.
func (m *Metrics) gauges(o Options) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "reprise_info", Help: "Always 1; the label says which version runs.", ConstLabels: prometheus.Labels{"version": o.Version},
	})
	info.Set(1)
	m.registry.MustRegister(info)
	if o.Tails != nil {
		m.gauge("reprise_tail_subscribers", "Open tails.", func() float64 { return float64(o.Tails()) })
	}
	if o.LogDropped != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "reprise_log_dropped_total", Help: "Log entries that a slow reader or the disk has missed.",
		},
			func() float64 { return float64(o.LogDropped()) }))
	}
	if o.StoreBytes != nil {
		m.gauge("reprise_store_bytes", "Size of the store on disk.", func() float64 { return float64(o.StoreBytes()) })
	}
	if o.LogBytes != nil {
		m.gauge("reprise_log_bytes", "Size of the log on disk.", func() float64 { return float64(o.LogBytes()) })
	}
	if o.Workers != nil {
		m.gauge("reprise_workers", "Worker processes that are there.", func() float64 { return float64(o.Workers()) })
	}
	if o.WorkerMemory != nil {
		m.gauge("reprise_worker_memory_bytes", "Resident memory of all worker processes.", func() float64 { return float64(o.WorkerMemory()) })
	}
	if o.Scripts != nil {
		m.registry.MustRegister(&scriptStates{count: o.Scripts, desc: prometheus.NewDesc("reprise_scripts", "Scripts, by state.", []string{"state"}, nil)})
	}
}

func (m *Metrics) gauge(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
}

// RunEnded counts a durable run that has ended.
func (m *Metrics) RunEnded(script, status string, took time.Duration) {
	m.runs.WithLabelValues(m.scripts.label(script), status).Inc()
	m.runTime.WithLabelValues(status).Observe(took.Seconds())
}

// RequestEnded counts a request on the script origin; script is empty when
// none answered.
func (m *Metrics) RequestEnded(script string, status int, took time.Duration) {
	label := m.scripts.label(script)
	m.requests.WithLabelValues(label, statusClass(status)).Inc()
	m.reqTime.WithLabelValues(label).Observe(took.Seconds())
}

// CallEnded counts a call.
func (m *Metrics) CallEnded(kind string, failed bool, took time.Duration) {
	label := m.kinds.label(kind)
	m.calls.WithLabelValues(label).Observe(took.Seconds())
	if failed {
		m.failures.WithLabelValues(label).Inc()
	}
}

// ConnectionRequest counts a request to a connection, which are those of
// reprise.yaml; status is 0 where none came.
func (m *Metrics) ConnectionRequest(connection string, status int, waited time.Duration) {
	class := "error"
	if status != 0 {
		class = statusClass(status)
	}
	m.upstreams.WithLabelValues(connection, class).Inc()
	m.upstreamWait.WithLabelValues(connection).Observe(waited.Seconds())
}

// ConnectionRetry counts a retry that a call to a connection wanted, and whether
// the connection's budget had one left.
func (m *Metrics) ConnectionRetry(connection string, ok bool) {
	result := "sent"
	if !ok {
		result = "refused"
	}
	m.retries.WithLabelValues(connection, result).Inc()
}

// ConnectionCached counts a call to a connection with a cache, by how it was
// answered.
func (m *Metrics) ConnectionCached(connection, result string) {
	m.cached.WithLabelValues(connection, result).Inc()
}

// Reloaded counts a reload of a script: ok or failed.
func (m *Metrics) Reloaded(ok bool) {
	result := "failed"
	if ok {
		result = "ok"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// WorkerEnded counts a worker process that ended, for exceeding a limit ("memory",
// "turnCpu", "callStack") or for another reason ("process").
func (m *Metrics) WorkerEnded(limit string) { m.workers.WithLabelValues(limit).Inc() }

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// statusClass returns "2xx" and its like.
func statusClass(status int) string {
	if status < 100 || status > 599 {
		return other
	}
	return strconv.Itoa(status/100) + "xx"
}

// names gives out labels, and from some number on the same one. Names that
// went away keep theirs: a counter must not go back.
type names struct {
	mu   sync.RWMutex
	seen map[string]bool // guarded by mu
}

func (n *names) label(name string) string {
	n.mu.RLock()
	known := n.seen[name]
	n.mu.RUnlock()
	if known {
		return name
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if !n.seen[name] && len(n.seen) >= maxNames {
		return other
	}
	n.seen[name] = true
	return name
}

// scriptStates is a gauge per state, all taken from one look.
type scriptStates struct {
	count func() map[string]int
	desc  *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *scriptStates) Describe(ch chan<- *prometheus.Desc) { ch <- s.desc }

// Collect implements prometheus.Collector.
func (s *scriptStates) Collect(ch chan<- prometheus.Metric) {
	for state, n := range s.count() {
		ch <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(n), state)
	}
}
