// Webhooks: a request to a script with config.webhook is verified, kept with the
// run that it starts, and only then answered. What a sender is told of a delivery
// that is refused does not say what is wrong with it; the log does.

package site

import (
	"context"
	"errors"
	"net/http"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/problem"
	"reprise/server/webhook"
)

// Webhooks verifies deliveries. *webhook.Verifier is one.
type Webhooks interface {
	// Verify checks a delivery; its error is a *webhook.RefusedError.
	Verify(ctx context.Context, w *webhook.Config, d *webhook.Delivery) (*webhook.Verified, error)
}

// received answers the sender of a delivery.
type received struct {
	ID     string `json:"id"`
	Status string `json:"status"` // "received", "duplicate", or how the run ended
}

const duplicate = "duplicate"

// receive takes a delivery.
func (x *exchange) receive(route *route) {
	body, p := x.site.readBody(x.w, x.r, &route.source)
	if p != nil {
		x.refuse(p)
		return
	}
	config := route.source.Webhook
	d := &webhook.Delivery{Header: x.r.Header, Body: body.Inline, At: time.Now()}
	seen, err := x.site.verify(x.r.Context(), config, d)
	if err != nil {
		x.turnAway(err)
		return
	}
	if seen.Challenge != "" {
		x.sendText(seen.Challenge)
		return
	}
	input, err := seen.Input(d)
	if err != nil {
		x.refuse(problem.New(http.StatusUnsupportedMediaType, call.CodeInvalidArgument, "%s", err).WithHint("Send JSON, or other text."))
		return
	}
	run, again, err := x.site.options.Runs.Deliver(x.r.Context(), runtime.DeliverRequest{
		Script: x.script, Input: input, Webhook: runtime.Webhook{Scheme: string(config.Verify.Type), Event: seen.Event},
		Key: seen.Key, TTL: config.DedupeTTL(), Again: config.Ack == webhook.AckAfter,
	})
	if err != nil {
		x.refuse(x.site.startFailure(err))
		return
	}
	x.acknowledge(run, again, config.Ack)
}

func (s *Site) verify(ctx context.Context, config *webhook.Config, d *webhook.Delivery) (*webhook.Verified, error) {
	if s.options.Webhooks == nil {
		return nil, &webhook.RefusedError{Cause: webhook.Unready, Why: "this server verifies no webhooks"}
	}
	return s.options.Webhooks.Verify(ctx, config, d)
}

// turnAway answers a delivery that is not taken. A wrong signature and an old one
// look the same from outside: neither tells a forger how near he is.
func (x *exchange) turnAway(err error) {
	p := problem.New(http.StatusUnauthorized, call.CodeUnauthorized, "the delivery could not be verified").WithHint("")
	if refused, ok := errors.AsType[*webhook.RefusedError](err); !ok || refused.Cause == webhook.Unready || refused.Cause == webhook.Unavailable {
		p = problem.New(http.StatusServiceUnavailable, call.CodeUnavailable, "this webhook can not verify deliveries now").WithHint("Try again later.")
	}
	x.count(p.Status)
	x.emit(p.Status, err.Error(), "")
	p.Write(x.w)
}

// acknowledge answers a delivery that is kept.
func (x *exchange) acknowledge(run runtime.Run, again bool, ack webhook.Ack) {
	x.w.Header()[runHeader] = []string{run.ID}
	if again {
		x.noteDuplicate(run)
	}
	last := run
	if ack == webhook.AckAfter && run.Status != "" { // of one that was deleted nothing is known
		last = x.site.result(x.r.Context(), run)
	}
	status, answer := http.StatusAccepted, received{run.ID, string(runtime.DeliveryReceived)}
	switch {
	case ack != webhook.AckAfter || !last.Status.Ended():
	case last.Status != runtime.Succeeded:
		p := runProblem(last)
		// Whatever the run says is for its log; the sender has to know that it may try again.
		p.Status, p.Detail, p.Run = http.StatusInternalServerError, "the delivery is kept, and its run ended as "+string(last.Status), run.ID
		x.count(p.Status)
		p.Write(x.w)
		return
	default:
		status, answer.Status = http.StatusOK, string(last.Status)
	}
	if again {
		status, answer.Status = http.StatusOK, duplicate
	}
	x.count(status)
	sendJSON(x.w, x.r, status, answer)
}

// noteDuplicate says in the log that a delivery came again.
func (x *exchange) noteDuplicate(run runtime.Run) {
	if x.site.options.Log == nil {
		return
	}
	x.site.options.Log.Emit(logs.Entry{
		Level: logs.Info, Kind: logs.KindRequest, Script: x.script, Run: run.ID,
		Msg: "the same delivery came again; the run that the first one started is " + run.ID,
	})
}

// sendText answers with plain text that nobody keeps.
func (x *exchange) sendText(text string) {
	h := x.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	x.count(http.StatusOK)
	x.w.WriteHeader(http.StatusOK)
	write(x.w, []byte(text))
}
