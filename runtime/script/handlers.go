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
	if err := r.checkWebhook(exports); err != nil {
		return err
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

// checkWebhook refuses a webhook that would start nothing, or share its script
// with another way in: what verifies the one would not verify the other.
func (r *Revision) checkWebhook(exports string) error {
	at := []string{"webhook"}
	switch {
	case r.Config.Webhook == nil:
		return nil
	case slices.Contains(r.Handlers, "fetch"):
		return r.ConfigError(at, "a webhook starts the handler run, and the script has a fetch handler, too; make two scripts of it")
	case !slices.Contains(r.Handlers, "run"):
		return r.ConfigError(at, "a webhook starts the handler run, and the script %s: export default { async run(delivery, env, ctx) { … } }", exports)
	case r.Config.HTTP != nil:
		return r.ConfigError([]string{"http"}, "a script has one way in: config.http or config.webhook, not both; make two scripts of it")
	}
	return nil
}
