package script

import (
	"encoding/json"
	"fmt"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
	"reprise/runtime/schedule"
)

// The wall time of a fetch request: what it is without a config, and the most
// that a config may ask for. Longer work belongs into a run.
const (
	DefaultTimeout = 30 * time.Second
	MaxTimeout     = 15 * time.Minute
)

// Config is what a script says about itself in `export const config`.
type Config struct {
	// Description is a sentence for people.
	Description string `json:"description,omitempty"`
	// Timeout is the wall time of a fetch request; zero means DefaultTimeout.
	Timeout Duration `json:"timeout,omitempty"`
	// Isolation says whether fetch requests may share a VM one after another.
	Isolation Isolation `json:"isolation,omitempty"`
	// Connections are the names of the connections the script uses.
	Connections []string `json:"connections,omitempty"`
	// HTTP is how the script is reached over HTTP, if it says so.
	HTTP *HTTP `json:"http,omitempty"`
	// Webhook makes the script take the deliveries of a webhook, if set.
	Webhook *Webhook `json:"webhook,omitempty"`

	// Limits are those that the script asks for; the others are zero.
	Limits call.Limits `json:"limits,omitzero"`

	// Egress narrows what the script may call, if set.
	Egress *Egress `json:"egress,omitempty"`

	// What follows is about durable runs: of the handlers run and scheduled.

	// Schedule says when the handler scheduled is called, if set.
	Schedule *schedule.Spec `json:"schedule,omitempty"`
	// Concurrency limits how many runs are under way at once, if set.
	Concurrency *Concurrency `json:"concurrency,omitempty"`
	// Rate limits how many runs begin in a time, if set.
	Rate *Rate `json:"rate,omitempty"`
	// OnFailure says what becomes of a run that fails.
	OnFailure OnFailure `json:"onFailure,omitempty"`
	// OnFailed names the script that is started with every failed run.
	OnFailed string `json:"onFailed,omitempty"`
	// Durability says when a run waits for the disk.
	Durability Durability `json:"durability,omitempty"`

	// Raw is the literal as it was written, as JSON; empty without a config.
	Raw json.RawMessage `json:"-"`

	literal *literal
}

// RequestTimeout is Timeout with its default.
func (c *Config) RequestTimeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return time.Duration(c.Timeout)
}

// Isolation says how VMs are shared between the fetch requests of a script.
type Isolation string

// The isolations. The empty one is reuse.
const (
	IsolationReuse Isolation = "reuse" // one request after another in the same VM
	IsolationFresh Isolation = "fresh" // a new VM for every request
)

// Egress is what a script may call by URL, of what the server allows.
type Egress struct {
	// Allow lists hosts, addresses and prefixes, as [hosts.Parse] reads them,
	// without its words. An empty list is nothing.
	Allow []string `json:"allow"`
}

// List returns the list that the script's calls are held to; nil without one.
func (e *Egress) List() *hosts.List {
	if e == nil {
		return nil
	}
	l, err := hosts.Parse(e.Allow)
	if err != nil {
		// Not from a config, which the schema has checked: nothing is allowed.
		return &hosts.List{}
	}
	return l
}

// HTTP is how a script is reached over HTTP.
type HTTP struct {
	// Path is the route, with :parameters and perhaps a * at the end. Empty:
	// the script's own name.
	Path string `json:"path,omitempty"`
	// Method lists the methods in upper case. Empty: all.
	Method []string `json:"method,omitempty"`
	// CORS lets pages of other origins call the script, if set.
	CORS *CORS `json:"cors,omitempty"`
	// Auth says who may call, if set.
	Auth *Auth `json:"auth,omitempty"`
	// Respond says what the request that starts a run is answered with. It is
	// for scripts whose run handler owns the route.
	Respond Respond `json:"respond,omitempty"`
}

// Respond says when the request that starts a run is answered.
type Respond string

// The answers. The empty one is accepted.
const (
	RespondAccepted Respond = "accepted" // at once, with where the run can be watched
	RespondResult   Respond = "result"   // with the run's result, if it ends in time
)

// CORS is what pages of other origins may do.
type CORS struct {
	// Origins are allowed origins, or "*" alone for all.
	Origins []string `json:"origins,omitempty"`
	// Methods are allowed methods. Empty: those of the route.
	Methods []string `json:"methods,omitempty"`
	// Headers are allowed request headers. Empty: those that are asked for.
	Headers []string `json:"headers,omitempty"`
	// Credentials allows cookies and authorization.
	Credentials bool `json:"credentials,omitempty"`
	// MaxAge is how long a browser may remember the answer.
	MaxAge Duration `json:"maxAge,omitempty"`
}

// Auth says who may call a script over HTTP.
type Auth struct {
	// Token is the name of the secret that a caller must present as a bearer
	// token. Empty: anybody may call.
	Token string
}

// MarshalJSON writes "none" or {"token": NAME}, as it is written in a config.
func (a Auth) MarshalJSON() ([]byte, error) {
	if a.Token == "" {
		return []byte(`"none"`), nil
	}
	return json.Marshal(map[string]string{"token": a.Token})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Auth) UnmarshalJSON(b []byte) error {
	if string(b) == `"none"` {
		*a = Auth{}
		return nil
	}
	var o struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(b, &o); err != nil || o.Token == "" {
		return fmt.Errorf(`auth is "none" or {"token": NAME}, not %s`, b)
	}
	a.Token = o.Token
	return nil
}

// Duration is a time.Duration that is written as text ("30s") in JSON.
type Duration time.Duration

// MarshalText writes the shortest form: "30s", "1m30s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads any form that a config may use.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := call.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
