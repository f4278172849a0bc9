// Package webhook verifies the deliveries of webhooks, and makes of one what the
// script is started with:
//
//	v := webhook.New(webhook.Options{Secret: secrets.Value, Client: client})
//	d := &webhook.Delivery{Header: r.Header, Body: body, At: time.Now()}
//	seen, err := v.Verify(ctx, config.Webhook, d)
//	var refused *webhook.RefusedError          // its Why is for the log, and not for the sender
//	input, err := seen.Input(d)           // {"id":…,"headers":{…},"body":…,"text":…}
//
// The one invariant: Verify returns no error only for a delivery whose bytes, as
// they came, were signed with a secret that the config names (or, for jwt, that
// came with a token of the issuer that it names), and not too long ago. Nothing
// of the body is looked at before that. Signatures are compared in constant time.
//
// It must not know runs, routes, or how the sender is answered.
package webhook
