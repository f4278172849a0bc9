// reprise.yaml while the server runs: its connections are live, like a script.

package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"reprise/connections"
	"reprise/runtime/logs"
)

// lookEvery is how often reprise.yaml and .env are looked at. That they are two
// files, which need not be there, makes looking simpler than being told, and it
// works on every file system.
const lookEvery = 300 * time.Millisecond

// watchConfig takes over the connections of reprise.yaml whenever it changes,
// until ctx is done.
func (a *app) watchConfig(ctx context.Context) {
	seen := "" // the first look finds what was saved while the server started
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := a.configState(); now != seen {
			seen = now
			a.reconfigure()
		}
	}
}

// configState is another one when one of the files has been written.
func (a *app) configState() string {
	var b strings.Builder
	for _, name := range []string{configFile, overlayFile(a.config.Environment), ".env"} {
		if info, err := os.Stat(filepath.Join(a.config.Dir, name)); err == nil {
			fmt.Fprintln(&b, name, info.ModTime().UnixNano(), info.Size())
		}
	}
	for _, u := range a.live {
		if u.TLS == nil {
			continue
		}
		for _, name := range u.TLS.Files() {
			if info, err := os.Stat(below(a.config.Dir, name)); err == nil {
				fmt.Fprintln(&b, name, info.ModTime().UnixNano(), info.Size())
			}
		}
	}
	return b.String()
}

// reconfigure takes over the connections. A file with a mistake changes nothing.
func (a *app) reconfigure() {
	next, err := a.options.reread()
	if err != nil {
		a.Emit(reconfigured(logs.Error, "the connections stay as they were: "+err.Error()))
		return
	}
	if !reflect.DeepEqual(next.Connections, a.live) {
		if err := a.upstreams.Replace(a.mended(next.Connections)...); err != nil {
			a.Emit(reconfigured(logs.Error, "the connections stay as they were: "+err.Error()))
			return
		}
		a.live = next.Connections
		a.scripts.registry.Reconsider()
		a.scripts.publish()
		a.Emit(reconfigured(logs.Info, "the connections are live: "+strings.Join(a.upstreams.Names(), ", ")))
		a.warnGone()
	}
	if a.config.differs(next) {
		a.Emit(reconfigured(logs.Warn, "settings have changed that take effect when the server is started again"))
	}
}

// mended are the connections without those that have become broken: of these,
// what worked goes on. It is said of each that can not be used.
func (a *app) mended(next []connections.Upstream) []connections.Upstream {
	out := slices.Clone(next)
	for i := range out {
		if out[i].Broken == "" {
			continue
		}
		fate := "it can not be used"
		if old, ok := a.upstreams.Get(out[i].Name); ok && old.Broken == "" {
			out[i], fate = *old, "it stays as it was"
		}
		a.sayBroken(&next[i], fate)
	}
	return out
}

// sayBroken says in the log what is wrong with a connection.
func (a *app) sayBroken(u *connections.Upstream, fate string) {
	a.Emit(reconfigured(logs.Error, fmt.Sprintf("connections.%s: %s: %s", u.Name, fate, u.Broken)))
}

// warnGone says which scripts use connections that are not there any more.
func (a *app) warnGone() {
	for _, st := range a.scripts.registry.List() {
		if st.Revision == nil {
			continue
		}
		for _, name := range st.Revision.Config.Connections {
			if _, ok := a.upstreams.Get(name); !ok {
				en := reconfigured(logs.Warn, fmt.Sprintf("the connection %s is gone, and %s uses it: its calls fail from now on", name, st.Revision.Script))
				en.Script = st.Revision.Script
				a.Emit(en)
			}
		}
	}
}

func reconfigured(level logs.Level, msg string) logs.Entry {
	return logs.Entry{Time: time.Now(), Level: level, Kind: logs.KindReload, Msg: configFile + ": " + strings.TrimPrefix(msg, configFile+": ")}
}

// differs reports whether settings differ that are not live.
func (c *Config) differs(next *Config) bool {
	a, b := *c, *next
	a.Connections, b.Connections = nil, nil
	return !reflect.DeepEqual(a, b)
}
