// What a config sets for handlers that the script does not have.

package script

import (
	"fmt"
	"slices"
	"strings"
)

// checkHandlers refuses a config that would quietly do nothing. It needs
// Handlers.
func (r *Revision) checkHandlers() error {
	scheduled := slices.Contains(r.Handlers, "scheduled")
	exports := "exports " + strings.Join(r.Handlers, ", ")
	if len(r.Handlers) == 0 {
		exports = "exports no handler"
	}
	if r.Config.Schedule != nil && !scheduled {
		hint := ""
		if slices.Contains(r.Handlers, "run") {
			hint = "; to do the same as run does, write: scheduled: (event, env, ctx) => run({ … }, env, ctx)"
		}
		return r.ConfigError([]string{"schedule"}, "a schedule calls the handler scheduled, and the script %s: export default { async scheduled(event, env, ctx) { … } }%s", exports, hint)
	}
	if scheduled || slices.Contains(r.Handlers, "run") {
		return nil
	}
	for _, key := range durableKeys {
		if r.Config.literal.get(key) != nil {
			return r.ConfigError([]string{key}, "%s", fmt.Sprintf("%s is about runs, and the script %s: it needs a handler run or scheduled", key, exports))
		}
	}
	return nil
}
