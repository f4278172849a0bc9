package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/problem"
)

// Deliveries shows what webhooks delivered. A delivery's id is that of its run.
type Deliveries interface {
	// Deliveries returns a page of them, newest first.
	Deliveries(ctx context.Context, q runtime.DeliveryQuery) (deliveries []runtime.Delivery, cursor string, err error)
	// Delivery returns one.
	Delivery(ctx context.Context, id string) (runtime.Delivery, error)
	// Redeliver starts another run with what one brought.
	Redeliver(ctx context.Context, id string) (runtime.Delivery, error)
}

// webhookEndpoints registers the inbox of webhooks.
func (a *admin) webhookEndpoints(h huma.API) {
	const all, one = "/api/v1/webhooks", "/api/v1/webhooks/{id}"
	huma.Register(h, a.operation(h, http.MethodGet, all, "listDeliveries", "What webhooks delivered, newest first",
		"The id of a delivery is that of the run that it started. They are kept as long as the run is."), a.listDeliveries)
	huma.Register(h, a.operation(h, http.MethodGet, one, "getDelivery", "One delivery, with what it brought and when it came again", ""), a.getDelivery)
	again := a.operation(h, http.MethodPost, one+"/redeliver", "redeliver", "Start another run with what a delivery brought",
		"The script is the one that serves now. The delivery itself does not change; the answer is the new one.")
	again.DefaultStatus = http.StatusAccepted
	huma.Register(h, again, a.redeliver)
	example(h, all, http.MethodGet, "200", api.Deliveries{Deliveries: []runtime.Delivery{exampleDelivery()}, Cursor: exampleID})
	whole := exampleDelivery()
	whole.Input = json.RawMessage(`{"id":"evt_1","headers":{"content-type":"application/json"},"body":{"id":"evt_1","type":"invoice.paid"},"text":"{\"id\":\"evt_1\",\"type\":\"invoice.paid\"}"}`)
	whole.Duplicates = []time.Time{exampleTime().Add(time.Minute)}
	example(h, one, http.MethodGet, "200", whole)
	next := exampleDelivery()
	next.ID, next.State, next.EndedAt, next.RedeliveryOf = "01936f31-02aa-7c55-b1f0-5d4c3b2a1908", runtime.DeliveryStarted, nil, exampleID
	example(h, one+"/redeliver", http.MethodPost, "202", next)
}

func exampleDelivery() runtime.Delivery {
	ended := exampleTime().Add(1200 * time.Millisecond)
	return runtime.Delivery{
		ID: exampleID, Script: "billing/paid", State: runtime.DeliverySucceeded, Scheme: "stripe", Event: "evt_1", ReceivedAt: exampleTime(), EndedAt: &ended,
	}
}

type deliveriesInput struct {
	Script string `query:"script" doc:"Deliveries to this script"`
	State  string `query:"state" enum:"received,started,succeeded,failed,cancelled" doc:"received: its run is queued; started: it is under way, or stands still"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor string `query:"cursor" doc:"From the last page"`
}

func (a *admin) listDeliveries(ctx context.Context, in *deliveriesInput) (*body[api.Deliveries], error) {
	found, cursor, err := a.Runs.Deliveries(ctx, runtime.DeliveryQuery{Script: in.Script, State: runtime.DeliveryState(in.State), Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, problem.Of(err)
	}
	if found == nil {
		found = []runtime.Delivery{}
	}
	return &body[api.Deliveries]{api.Deliveries{Deliveries: found, Cursor: cursor}}, nil
}

func (a *admin) getDelivery(ctx context.Context, in *runInput) (*body[runtime.Delivery], error) {
	d, err := a.Runs.Delivery(ctx, in.ID)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[runtime.Delivery]{d}, nil
}

type redeliverOutput struct {
	Location string `header:"Location" doc:"Where the new run is"`
	Body     runtime.Delivery
}

func (a *admin) redeliver(ctx context.Context, in *runInput) (*redeliverOutput, error) {
	d, err := a.Runs.Redeliver(ctx, in.ID)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &redeliverOutput{Location: location(d.ID), Body: d}, nil
}
