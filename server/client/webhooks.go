package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"reprise/runtime"
	"reprise/server/api"
)

const webhooksPath = "/api/v1/webhooks"

// Deliveries lists what webhooks delivered, newest first, and returns the next
// page's cursor.
func (c *Client) Deliveries(ctx context.Context, q runtime.DeliveryQuery) (deliveries []runtime.Delivery, cursor string, err error) {
	query := url.Values{}
	set(query, "script", q.Script)
	set(query, "state", string(q.State))
	set(query, "cursor", q.Cursor)
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var out api.Deliveries
	err = c.get(ctx, webhooksPath, query, &out)
	return out.Deliveries, out.Cursor, err
}

// Delivery returns one delivery, with what it brought.
func (c *Client) Delivery(ctx context.Context, id string) (out runtime.Delivery, err error) {
	err = c.get(ctx, webhooksPath+"/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Redeliver starts another run with what a delivery brought, and returns the new
// delivery.
func (c *Client) Redeliver(ctx context.Context, id string) (out runtime.Delivery, err error) {
	err = c.do(ctx, http.MethodPost, webhooksPath+"/"+url.PathEscape(id)+"/redeliver", nil, &out)
	return out, err
}
