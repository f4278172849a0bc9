// Deliveries of webhooks. A delivery is the run that it starts, with a mark: so
// it is kept, shown, watched and deleted as runs are, and there is no second
// store to lose or to double anything in. What is new is only how a run is found
// that the same delivery has started before: a key of the store that disappears
// by itself, written in the commit that begins the run, and checked there. Of
// equal deliveries at the same time one begins a run.

package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

const (
	tableDeliveries   = "webhooks"            // id of a run that a delivery started -> nothing
	tableDeliveriesOf = "webhooks.script"     // script NUL id
	tableDuplicates   = "webhooks.duplicates" // id NUL a number of its own -> when it came
	// deliveryKeys is the namespace of the keys of deliveries. Those of scripts
	// have a colon in them.
	deliveryKeys = "webhooks"
	// maxDuplicates is how many duplicates of a delivery are remembered: enough to
	// see what a sender does, and no way to fill the disk by sending one again.
	maxDuplicates = 100
)

// Webhook marks a run that a delivery has started.
type Webhook struct {
	// Scheme is what the delivery was verified by: "stripe".
	Scheme string `json:"scheme"`
	// Event is the sender's own id of what was delivered; empty if it has none.
	Event string `json:"event,omitempty"`
	// RedeliveryOf is the delivery that was started again.
	RedeliveryOf string `json:"redeliveryOf,omitempty"`
}

// DeliverRequest asks for the run of a delivery that has been verified.
type DeliverRequest struct {
	Script  string
	Input   json.RawMessage
	Webhook Webhook
	// Key is what equal deliveries have in common. The same one within TTL is a
	// duplicate. An empty Key is never one.
	Key string
	TTL time.Duration
	// Again lets a delivery whose run has not succeeded start another one.
	Again bool
}

// DeliveryState is how far a delivery has come.
type DeliveryState string

// The states of a delivery: those of its run, as a sender would see them.
const (
	DeliveryReceived  DeliveryState = "received" // kept; its run is queued
	DeliveryStarted   DeliveryState = "started"  // its run is under way, or stands still
	DeliverySucceeded DeliveryState = "succeeded"
	DeliveryFailed    DeliveryState = "failed"
	DeliveryCancelled DeliveryState = "cancelled"
)

func deliveryState(s Status) DeliveryState {
	switch s {
	case Queued:
		return DeliveryReceived
	case Succeeded, Failed, Cancelled:
		return DeliveryState(s)
	}
	return DeliveryStarted
}

// Delivery is what a webhook delivered, as the API shows it. Its id is that of
// its run.
type Delivery struct {
	ID           string          `json:"id"`
	Script       string          `json:"script"`
	State        DeliveryState   `json:"state"`
	Scheme       string          `json:"scheme"`
	Event        string          `json:"event,omitempty"`
	ReceivedAt   time.Time       `json:"receivedAt"`
	EndedAt      *time.Time      `json:"endedAt,omitempty"`
	RedeliveryOf string          `json:"redeliveryOf,omitempty"`
	Error        *call.Error     `json:"error,omitempty"`
	Input        json.RawMessage `json:"input,omitempty"`      // only of one delivery, not in lists
	Duplicates   []time.Time     `json:"duplicates,omitempty"` // when it came again; only of one delivery
}

func deliveryOf(r *Run) Delivery {
	return Delivery{
		ID: r.ID, Script: r.Script, State: deliveryState(r.Status), Scheme: r.Webhook.Scheme, Event: r.Webhook.Event,
		ReceivedAt: r.CreatedAt, EndedAt: r.EndedAt, RedeliveryOf: r.Webhook.RedeliveryOf, Error: r.Error,
	}
}

// DeliveryQuery selects deliveries, newest first.
type DeliveryQuery struct {
	Script string
	State  DeliveryState
	Limit  int    // 0 means 50, at most 500
	Cursor string // from the last page
}

// dedupe is the key that a run begins with, and what it replaces.
type dedupe struct {
	key  []byte
	over store.Version // the key's version where it may be replaced; zero: it must not be there
	ttl  time.Duration
}

func (d *dedupe) check() store.Check {
	return store.Check{Namespace: deliveryKeys, Key: d.key, Version: d.over}
}

func (d *dedupe) write(id string) store.KVOp {
	return store.KVOp{Namespace: deliveryKeys, Key: d.key, Value: []byte(id), Expires: time.Now().Add(d.ttl)}
}

// Deliver begins the run of a delivery and returns once both are on disk; they
// are one. For a duplicate it returns the run that the first one began, of which
// no more than the id is known once it has been deleted.
func (e *Engine) Deliver(ctx context.Context, req DeliverRequest) (r Run, duplicate bool, err error) {
	b := beginning{script: req.Script, input: req.Input, webhook: &req.Webhook}
	if req.Key == "" {
		r, _, err = e.begin(ctx, b)
		return r, false, err
	}
	for {
		d := &dedupe{key: []byte(indexKey(req.Script, req.Key)), ttl: req.TTL}
		first, err := e.firstDelivery(ctx, d, req.Again)
		if err != nil {
			return Run{}, false, err
		}
		if first.ID != "" {
			return first, true, e.keepDuplicate(ctx, first.ID)
		}
		b.dedupe = d
		r, _, err = e.begin(ctx, b)
		if _, failed := errors.AsType[*store.CheckError](err); !failed {
			return r, false, err
		}
		// An equal one was faster: it is there now.
	}
}

// firstDelivery returns the run that the key stands for, or one without an id if
// there is none, or another one may take its place.
func (e *Engine) firstDelivery(ctx context.Context, d *dedupe, again bool) (Run, error) {
	found, err := e.options.Store.Get(ctx, deliveryKeys, d.key)
	if err != nil {
		return Run{}, storeError("read the key of a delivery", err)
	}
	if found[0].Version == 0 {
		return Run{}, nil
	}
	id := string(found[0].Value)
	r, err := e.Get(ctx, id)
	switch {
	case isGone(err):
		return Run{ID: id}, nil
	case err != nil:
		return Run{}, err
	case again && r.Status.Ended() && r.Status != Succeeded:
		d.over = found[0].Version
		return Run{}, nil
	}
	return r, nil
}

// keepDuplicate notes that a delivery came again. It returns when the first one
// is on disk, too: what is answered now must not be lost.
func (e *Engine) keepDuplicate(ctx context.Context, id string) error {
	var c store.Commit
	had, err := e.options.Store.Rows(ctx, tableDuplicates, rangeOf(indexKey(id, ""), maxDuplicates))
	if err != nil {
		return storeError("read the duplicates of a delivery", err)
	}
	if len(had) < maxDuplicates {
		// The ids sort by time.
		at := time.Now().UTC().Format(time.RFC3339Nano)
		c.Rows = []store.RowOp{{Table: tableDuplicates, Key: indexKey(id, newRunID()), Value: []byte(at)}}
	}
	if _, err := e.options.Store.Commit(ctx, c); err != nil {
		return storeError("note the duplicate of a delivery", err)
	}
	return nil
}

// Deliveries returns a page of deliveries, newest first, and the cursor of the
// next page, empty at the end.
func (e *Engine) Deliveries(ctx context.Context, q DeliveryQuery) (deliveries []Delivery, cursor string, err error) {
	table, prefix := tableDeliveries, ""
	if q.Script != "" {
		table, prefix = tableDeliveriesOf, indexKey(q.Script, "")
	}
	runs, cursor, err := e.page(ctx, table, prefix, q.Limit, q.Cursor, func(r *Run) bool {
		return r.Webhook != nil && (q.State == "" || deliveryState(r.Status) == q.State)
	})
	for i := range runs {
		deliveries = append(deliveries, deliveryOf(&runs[i]))
	}
	return deliveries, cursor, err
}

// Delivery returns one delivery, or NOT_FOUND_ERROR.
func (e *Engine) Delivery(ctx context.Context, id string) (Delivery, error) {
	r, err := e.delivered(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	d := deliveryOf(&r)
	d.Input = r.Input
	rows, err := e.options.Store.Rows(ctx, tableDuplicates, rangeOf(indexKey(id, ""), maxDuplicates))
	if err != nil {
		return Delivery{}, storeError("read the duplicates of a delivery", err)
	}
	for _, row := range rows {
		if at, err := time.Parse(time.RFC3339Nano, string(row.Value)); err == nil {
			d.Duplicates = append(d.Duplicates, at)
		}
	}
	return d, nil
}

// Redeliver starts another run with what a delivery brought, of the script as it
// is now. It returns the new delivery.
func (e *Engine) Redeliver(ctx context.Context, id string) (Delivery, error) {
	first, err := e.delivered(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	mark := *first.Webhook
	mark.RedeliveryOf = id
	r, _, err := e.begin(ctx, beginning{script: first.Script, input: first.Input, webhook: &mark})
	if err != nil {
		return Delivery{}, err
	}
	return deliveryOf(&r), nil
}

func (e *Engine) delivered(ctx context.Context, id string) (Run, error) {
	r, err := e.Get(ctx, id)
	if isGone(err) || err == nil && r.Webhook == nil {
		return Run{}, call.Errorf(call.CodeNotFound, "there is no delivery %s", id)
	}
	return r, err
}

// deliveryRows are the rows of a run that a delivery starts.
func deliveryRows(script, id string, value []byte) []store.RowOp {
	return []store.RowOp{
		{Table: tableDeliveries, Key: id, Value: value},
		{Table: tableDeliveriesOf, Key: indexKey(script, id), Value: value},
	}
}
