package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/admin"
	"reprise/server/api"
	"reprise/server/ask"
	"reprise/server/callback"
	"reprise/server/datadir"
	"reprise/server/metrics"
	"reprise/server/site"
	"reprise/server/studio"
	"reprise/server/tail"
	"reprise/server/webhook"
)

// Engine answers requests and looks after runs. *runtime.Engine is one.
type Engine interface {
	site.Engine
	site.Runs
	admin.Runs
	ask.Engine
	activity
}

// Options are what a Server is made with.
type Options struct {
	// Addr and Admin are where the two origins listen: "127.0.0.1:8080". A port
	// 0 takes any free one. An empty Admin is --no-admin.
	Addr, Admin string
	// DataDir holds admin.token and server.json.
	DataDir string

	// These three are needed.
	Engine  Engine
	Scripts Registry
	Log     *logs.Log

	// Metrics is what /metrics shows; nil leaves it out.
	Metrics *metrics.Metrics
	// Secret returns the value of a secret, for config.http.auth and config.webhook.
	Secret func(name string) (string, bool)
	// Client fetches what a script's config names by URL: the keys of a webhook's
	// issuer. It has to refuse where scripts may not call. Nil: nothing is fetched.
	Client *http.Client
	// Secrets keeps them; nil leaves it out of the admin API.
	Secrets admin.Secrets
	// Connections describes them; nil leaves it out.
	Connections admin.Connections
	// Logins lets people log in for them; nil leaves it out, on both origins.
	Logins Logins
	// Checks say whether the server can take new work.
	Checks []admin.Check
	Logger *slog.Logger

	// Version, Project and Dev describe the server; Dev tells visitors of the
	// script origin what is wrong with a script.
	Version string
	Project string
	Dev     bool
	// Folder is where scripts are, below the project, for hints.
	Folder string

	// TLSCert and TLSKey are files; both or none. The script origin uses them,
	// and the admin origin unless it listens on a loopback address.
	TLSCert, TLSKey string
	// AdminHosts are further names that the admin origin goes by, AdminOrigins
	// pages of other origins that may use it.
	AdminHosts, AdminOrigins []string
	// MaxBody is the largest body of a request to the admin API; 32 MiB if zero.
	MaxBody int64
	// Limits are the most that a script may use. Zero values: the defaults.
	Limits call.Limits
	// Workers describes the processes that execute the scripts, Apart says until
	// when a revision is kept apart there. Both may be nil.
	Workers func() api.Workers
	Apart   func(revision string) time.Time
	// Listening is called once the addresses are taken, so that their ports are
	// known, and before anything is answered there. An error ends the start. It
	// may be nil.
	Listening func() error
}

// Logins are what people log in with for connections. *logins.Logins is one.
type Logins interface {
	admin.Logins
	callback.Logins
}

// Server is the two origins.
type Server struct {
	options  Options
	token    string
	site     *site.Site
	tails    *tail.Sockets // nil without an admin origin
	origins  []*origin     // the script origin, and perhaps the admin origin
	self     *origin       // where scripts call each other when the script origin has TLS
	started  time.Time
	draining atomic.Bool
	routing  sync.Mutex // held while routes are made

	serving sync.WaitGroup
	failed  chan error // takes the first error of an origin that stopped by itself
}

// LoadToken returns the token of the admin API, and makes it at first start.
func LoadToken(dataDir string) (string, error) { return datadir.LoadToken(dataDir) }

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return nil, errors.New("TLS needs both a certificate and its key: give --tls-cert and --tls-key")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: o, failed: make(chan error, 1)}
	var login http.Handler
	if o.Logins != nil {
		login = callback.New(callback.Options{Logins: o.Logins})
	}
	s.site = site.New(site.Options{
		Login:  login,
		Engine: o.Engine, Runs: o.Engine, Ask: ask.New(ask.Options{Engine: o.Engine, Log: o.Log}), Secret: o.Secret, Webhooks: webhook.New(webhook.Options{Secret: o.Secret, Client: o.Client}), Dev: o.Dev, Folder: o.Folder, Ready: s.ready,
		Log: o.Log, Meter: meter(o.Metrics), Logger: o.Logger,
	})
	var certificate *certificate
	if o.TLSCert != "" {
		var err error
		if certificate, err = loadCertificate(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return nil, err
		}
	}
	s.origins = []*origin{{flag: "--addr", addr: o.Addr, handler: s.site, certificate: certificate, logger: o.Logger}}
	if certificate != nil {
		// The certificate names the outside, and scripts that call each other
		// stay on this machine: they need neither the name nor the encryption.
		s.self = &origin{flag: "--addr", addr: "127.0.0.1:0", handler: s.site, logger: o.Logger}
	}
	if o.Admin == "" {
		return s, nil
	}
	var err error
	if s.token, err = LoadToken(o.DataDir); err != nil {
		return nil, err
	}
	adminOrigin := &origin{flag: "--admin", addr: o.Admin, handler: s.adminHandler(), logger: o.Logger, writeTimeout: adminWriteTimeout}
	if !isLoopback(o.Admin) {
		adminOrigin.certificate = certificate
	}
	s.origins = append(s.origins, adminOrigin)
	return s, nil
}

// meter avoids an interface that holds a nil pointer.
func meter(m *metrics.Metrics) site.Meter {
	if m == nil {
		return nil
	}
	return m
}

// adminHandler puts the admin origin together.
func (s *Server) adminHandler() http.Handler {
	o := &s.options
	guard := admin.NewGuard(admin.GuardOptions{Token: s.token, Addr: o.Admin, Hosts: o.AdminHosts, Origins: o.AdminOrigins})
	s.tails = tail.Handler(tail.Options{Log: o.Log, Authenticate: guard.Authenticate, CheckOrigin: guard.CheckOrigin, Version: o.Version})
	a := admin.Options{
		Guard: guard, Runs: o.Engine, Scripts: scriptList{o.Scripts, o.Engine, o.Limits, o.Apart}, Logs: o.Log, Secrets: o.Secrets, Connections: o.Connections, Server: s.describe,
		Studio: studio.Handler(studio.Options{}), Tail: s.tails, Logger: o.Logger, MaxBody: o.MaxBody,
		Checks: append([]admin.Check{{Name: "accepting", Test: s.accepting}}, o.Checks...),
	}
	if o.Logins != nil {
		a.Logins = o.Logins // and not an interface that holds a nil one
	}
	if o.Metrics != nil {
		a.Metrics = o.Metrics.Handler()
	}
	return admin.New(a)
}

// Start listens on both origins and serves the scripts that the registry has.
// Both answer when it returns. ctx bounds the start; Close ends the server.
func (s *Server) Start(ctx context.Context) error {
	s.started = time.Now().UTC()
	if err := s.ScriptsChanged(); err != nil {
		// The registry's Validate lets no such script in, so this is a race
		// with a save; the scripts named are not served, all others are.
		s.options.Logger.WarnContext(ctx, "some scripts have no route", "error", err)
	}
	listeners := s.listeners()
	for i, o := range listeners {
		if err := o.listen(ctx); err != nil {
			return errors.Join(err, s.unlisten(listeners[:i]))
		}
	}
	if s.options.Listening != nil {
		if err := s.options.Listening(); err != nil {
			return errors.Join(err, s.unlisten(listeners))
		}
	}
	if err := s.announce(); err != nil {
		return errors.Join(err, s.unlisten(listeners))
	}
	for _, o := range listeners {
		o.start(ctx)
		s.serving.Go(func() {
			if err := o.serve(); err != nil {
				select {
				case s.failed <- err:
				default: // the first one is enough
				}
			}
		})
	}
	return nil
}

// unlisten gives addresses back that nothing was served on.
func (s *Server) unlisten(origins []*origin) error {
	var errs []error
	for _, o := range origins {
		errs = append(errs, o.listener.Close())
		o.listener = nil
	}
	return errors.Join(errs...)
}

// listeners are all that listen, in the order they start.
func (s *Server) listeners() []*origin {
	if s.self == nil {
		return s.origins
	}
	return append(slices.Clone(s.origins), s.self)
}

// announce writes server.json.
func (s *Server) announce() error {
	if s.options.DataDir == "" {
		return nil
	}
	info := datadir.Info{Addr: s.Addr(), Admin: s.AdminAddr(), PID: os.Getpid(), ScriptsURL: s.ScriptsURL(), AdminURL: s.AdminURL()}
	return datadir.WriteInfo(s.options.DataDir, info)
}

// Failed delivers an error when an origin stops by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Close stops accepting connections, lets requests in progress end until ctx
// is done, then cuts them off. Tails go last, so that they can watch.
func (s *Server) Close(ctx context.Context) error {
	s.draining.Store(true)
	var errs []error
	if s.options.DataDir != "" {
		errs = append(errs, datadir.RemoveInfo(s.options.DataDir, os.Getpid()))
	}
	for i, o := range s.origins {
		if i > 0 && o.server != nil {
			o.release() // requests that wait for runs
			errs = append(errs, s.tails.Shutdown(ctx))
		}
		errs = append(errs, o.close(ctx))
	}
	if s.self != nil { // last: what is in progress may still call it
		errs = append(errs, s.self.close(ctx))
	}
	s.serving.Wait()
	return errors.Join(errs...)
}

// ready says why the server does not take new work, or nil.
func (s *Server) ready() error {
	if err := s.accepting(); err != nil {
		return err
	}
	for _, c := range s.options.Checks {
		if err := c.Test(); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

func (s *Server) accepting() error {
	if s.draining.Load() {
		return errors.New("the server is stopping")
	}
	return nil
}

// describe is what GET /api/v1/server answers.
func (s *Server) describe() api.Server {
	mode := "serve"
	if s.options.Dev {
		mode = "dev"
	}
	out := api.Server{
		Version: s.options.Version, Boot: s.options.Log.Boot(), StartedAt: s.started, Mode: mode,
		Addr: s.Addr(), ScriptsURL: s.ScriptsURL(), Project: s.options.Project,
	}
	if s.options.Workers != nil {
		w := s.options.Workers()
		out.Workers = &w
	}
	return out
}

// Addr returns where the script origin listens, with the real port.
func (s *Server) Addr() string { return s.origins[0].address() }

// AdminAddr returns where the admin origin listens; empty without one.
func (s *Server) AdminAddr() string {
	if len(s.origins) < 2 {
		return ""
	}
	return s.origins[1].address()
}

// ScriptsURL returns a URL of the script origin that this machine can open.
func (s *Server) ScriptsURL() string { return s.origins[0].url() }

// SelfURL returns the URL that scripts reach each other at: the script origin,
// or, where that has TLS, a listener that only this machine reaches.
func (s *Server) SelfURL() string {
	if s.self != nil {
		return s.self.url()
	}
	return s.ScriptsURL()
}

// AdminURL returns a URL of the admin origin that this machine can open; empty
// without one.
func (s *Server) AdminURL() string {
	if len(s.origins) < 2 {
		return ""
	}
	return s.origins[1].url()
}

// StudioURL returns the studio's URL with the token in its fragment, which
// browsers do not send; empty without an admin origin.
func (s *Server) StudioURL() string {
	if u := s.AdminURL(); u != "" {
		return u + "/#token=" + s.token
	}
	return ""
}

// Tails returns the number of open tails.
func (s *Server) Tails() int {
	if s.tails == nil {
		return 0
	}
	return s.tails.Count()
}

// isLoopback reports whether nobody outside of this machine can reach addr.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
