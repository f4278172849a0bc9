package script_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"reprise/runtime/script"
)

// A config that would do nothing for want of a handler is an error, with its line.
func TestConfigNeedsItsHandler(t *testing.T) {
	const hook = `webhook: { verify: { type: "stripe", secret: "S" } }`
	for _, c := range []struct{ handlers, config, line, want string }{
		{"scheduled", `schedule: "@daily"`, "", ""},
		{"run scheduled fetch", `schedule: "@daily", concurrency: 1`, "", ""},
		{"run", `rate: { limit: 1, per: "1s" }`, "", ""},
		{"scheduled", `onFailure: "pause"`, "", ""},
		{"run", `schedule: "@daily"`, "2:13", "a schedule calls the handler scheduled, and the script exports run: export default { async scheduled(event, env, ctx) { … } }; to do the same as run"},
		{"fetch", `schedule: { cron: "@daily" }`, "2:13", "the script exports fetch"},
		{"", `schedule: "@daily"`, "2:13", "the script exports no handler"},
		{"fetch", `concurrency: 1`, "2:16", "concurrency is about runs, and the script exports fetch: it needs a handler run or scheduled"},
		{"fetch", `onFailed: "b"`, "2:13", "onFailed is about runs"},
		{"fetch", `durability: "strict"`, "2:15", "durability is about runs"},
		{"fetch", `timeout: "1s"`, "", ""},
		{"run", hook, "", ""},
		{"run scheduled", hook + `, schedule: "@daily"`, "", ""},
		{"scheduled", hook, "2:12", "a webhook starts the handler run, and the script exports scheduled"},
		{"run fetch", hook, "2:12", "the script has a fetch handler, too"},
		{"run", `http: {}, ` + hook, "2:9", "a script has one way in: config.http or config.webhook"},
	} {
		files := map[string]string{"scripts/a.ts": "export const config = {\n  " + c.config + ",\n};\nexport default {};\n"}
		f := load(t, files, func(o *script.Options) {
			o.Check = func(context.Context, *script.Revision) ([]string, error) {
				return append([]string{}, strings.Fields(c.handlers)...), nil
			}
		})
		state, _ := f.registry.Get("a")
		if c.want == "" {
			if state.Err != nil || state.Status != script.Live {
				t.Errorf("{%s} with %s: %v", c.handlers, c.config, state.Err)
			}
			continue
		}
		var e *script.BuildError
		if !errors.As(state.Err, &e) {
			t.Errorf("{%s} with %s is taken", c.handlers, c.config)
			continue
		}
		if !strings.Contains(e.Message, c.want) || !strings.HasSuffix(e.Pos.String(), "a.ts:"+c.line) || !strings.Contains(e.Frame, "> 2 | ") {
			t.Errorf("{%s} with %s: %s", c.handlers, c.config, e.Text())
		}
	}
}
