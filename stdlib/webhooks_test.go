package stdlib_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
)

const sendIt = `return await webhooks.send("https://a.example.com/in", { type: "paid", n: 1 }, { secret: secret("CUSTOMER_WEBHOOK"), id: "msg_1" });`

// statuses answers with these, one after the other; 0 is no answer.
func statuses(list ...int) (upstream, *[]asked) {
	var got []asked
	return func(a asked) answer {
		got = append(got, a)
		status := list[min(len(got), len(list))-1]
		if status == 0 {
			return answer{err: call.Errorf(call.CodeConnect, "refused")}
		}
		return answer{status: status, body: ""}
	}, &got
}

func TestSendAWebhook(t *testing.T) {
	up, got := statuses(204)
	p := start(t, sendIt).serve(up)
	p.gives(`{"delivered":true,"attempts":1,"id":"msg_1","status":204}`)
	a := (*got)[0]
	if a.Method != "POST" || a.full != "https://a.example.com/in" || a.body != `{"type":"paid","n":1}` || a.Redirect != "manual" || a.IdempotencyKey != "msg_1" || a.TimeoutMS != 20_000 {
		t.Errorf("%+v", a)
	}
	if a.Auth == nil || a.Auth.Type != "standardWebhooks" || !strings.HasPrefix(a.Auth.Token, "rps_CUSTOMER_WEBHOOK_") || a.Retry == nil || a.Retry.Attempts != 1 {
		t.Errorf("auth %+v, retry %+v", a.Auth, a.Retry)
	}
	for _, want := range [][2]string{{"webhook-id", "msg_1"}, {"content-type", "application/json"}} {
		if !slices.Contains(a.Headers, want) {
			t.Errorf("headers are %q", a.Headers)
		}
	}
}

func TestAWebhookIsSentAgainOnSchedule(t *testing.T) {
	// Whatever is not 2xx counts as failed, redirects and silence, too.
	up, got := statuses(500, 0, 302, 404, 429, 503, 400, 0, 500, 200)
	p := start(t, sendIt).serve(up)
	p.gives(`{"delivered":true,"attempts":10,"id":"msg_1","status":200}`)
	h := time.Hour
	if want := 5*time.Second + 35*time.Minute + (2+5+10+14+20+24)*h; p.now.Sub(epoch) != want {
		t.Errorf("it took %s, want %s", p.now.Sub(epoch), want)
	}
	for _, a := range *got {
		if first := (*got)[0]; a.body != first.body || !slices.Equal(a.Headers, first.Headers) {
			t.Errorf("another attempt sends another thing: %+v", a)
		}
	}
	up, _ = statuses(500)
	start(t, sendIt).serve(up).gives(`{"delivered":false,"attempts":10,"id":"msg_1","status":500}`)
	up, _ = statuses(0)
	start(t, strings.Replace(sendIt, `id: "msg_1"`, `id: "msg_1", waits: ["1 s", 5]`, 1)).serve(up).gives(`{"delivered":false,"attempts":3,"id":"msg_1","status":null}`)
	// A receiver that is gone wants no more.
	up, _ = statuses(500, 410)
	start(t, sendIt).serve(up).gives(`{"delivered":false,"attempts":2,"id":"msg_1","status":410}`)
}

func TestAnIDOfItsOwn(t *testing.T) {
	up, got := statuses(500, 200)
	start(t, strings.Replace(sendIt, `id: "msg_1"`, `headers: new Headers({ "x-a": "1", "Webhook-Id": "mine" })`, 1)).serve(up)
	var ids []string
	for _, a := range *got {
		for _, h := range a.Headers {
			if h[0] == "webhook-id" {
				ids = append(ids, h[1])
			}
		}
	}
	if len(ids) != 2 || ids[0] != ids[1] || len(ids[0]) != 36 || !strings.HasPrefix(ids[0], "msg_") {
		t.Errorf("ids are %q", ids)
	}
	if !slices.Contains((*got)[0].Headers, [2]string{"x-a", "1"}) {
		t.Errorf("headers are %q", (*got)[0].Headers)
	}
}

func TestWrongSends(t *testing.T) {
	for body, want := range map[string]string{
		`await webhooks.send("https://a.example.com", {}, { secret: "whsec_x" })`:                                  `INVALID_ARGUMENT_ERROR standardWebhooks takes a secret as its key and not a literal text`,
		`await webhooks.send("https://a.example.com", {})`:                                                         `INVALID_ARGUMENT_ERROR standardWebhooks takes a secret as its key`,
		`await webhooks.send("https://a.example.com", undefined, { secret: secret("CUSTOMER_WEBHOOK") })`:          `the event of webhooks.send must be a JSON value, not undefined`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOK"), id: "a.b" })`:       `id must be text of 1 to 256 visible characters without a dot`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOK"), id: 7 })`:           `id must be text`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOK"), waits: "5 s" })`:    `waits must be a list of durations`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOK"), waits: ["soon"] })`: `each of waits`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOK"), retries: 3 })`:      `webhooks.send has no option "retries"`,
		`await webhooks.send("https://a.example.com", 1, { secret: secret("CUSTOMER_WEBHOOKS") })`:                 `SECRET_MISSING_ERROR`,
		`webhooks.send = 1`: `TypeError`,
	} {
		p := start(t, body)
		if strings.HasPrefix(want, "TypeError") {
			if p.turn.Err == nil || p.turn.Err.Name != "TypeError" {
				t.Errorf("%s: %v", body, p.turn.Err)
			}
			continue
		}
		p.fails(want)
		if len(p.open) > 0 {
			t.Errorf("%s: something was sent", body)
		}
	}
	// What trying again would not mend is an error at once.
	p := start(t, sendIt)
	p.fail("POST https://a.example.com/in", call.CodeEgressDenied)
	p.fails("EGRESS_DENIED_ERROR")
}
