package admin

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/server/api"
)

func TestDeliveries(t *testing.T) {
	f := newFixture(t)
	all := decode[api.Deliveries](t, f.do("GET /api/v1/webhooks?script=billing%2Fpaid&state=failed&limit=7&cursor=c", ""))
	if len(all.Deliveries) != 1 || all.Deliveries[0].Event != "evt_1" || all.Cursor != "next" {
		t.Errorf("deliveries are %+v", all)
	}
	if diff := cmp.Diff(runtime.DeliveryQuery{Script: "billing/paid", State: runtime.DeliveryFailed, Limit: 7, Cursor: "c"}, f.house.asked); diff != "" {
		t.Error(diff)
	}
	// None are a list, and not null.
	if w := f.do("GET /api/v1/webhooks?script=none", ""); w.Code != 200 || w.Body.String() != `{"deliveries":[]}`+"\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := f.do("GET /api/v1/webhooks?state=lost", ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if d := decode[runtime.Delivery](t, f.do("GET /api/v1/webhooks/"+exampleID, "")); d.ID != exampleID {
		t.Errorf("delivery is %+v", d)
	}
	w := f.do("POST /api/v1/webhooks/"+exampleID+"/redeliver", "")
	if w.Code != http.StatusAccepted || w.Header().Get("Location") != "/api/v1/runs/again" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if d := decode[runtime.Delivery](t, w); d.ID != "again" || d.RedeliveryOf != exampleID {
		t.Errorf("delivery is %+v", d)
	}
	for _, request := range []string{"GET /api/v1/webhooks/nobody", "POST /api/v1/webhooks/nobody/redeliver"} {
		if w := f.do(request, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
}
