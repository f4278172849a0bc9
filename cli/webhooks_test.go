package cli

import "testing"

const (
	deliveryFailed = `{"id":"` + id1 + `","script":"billing/paid","state":"failed","scheme":"stripe","event":"evt_1","receivedAt":"2026-11-22T09:30:00Z","endedAt":"2026-11-22T09:30:01Z","error":{"name":"Error","message":"no \u001b[31m"}}`
	deliveryAgain  = `{"id":"` + id2 + `","script":"billing/paid","state":"started","scheme":"hmac","receivedAt":"2026-11-22T09:30:00Z","redeliveryOf":"` + id1 + `","input":{"id":null},"duplicates":["2026-11-22T09:31:00Z"]}`
)

func TestWebhooksList(t *testing.T) {
	page := answers{
		"GET /api/v1/webhooks?limit=20":                                   `200 {"deliveries":[` + deliveryFailed + `,` + deliveryAgain + `]}`,
		"GET /api/v1/webhooks?limit=1&script=billing%2Fpaid&state=failed": `200 {"deliveries":[` + deliveryFailed + `],"cursor":"c"}`,
		"GET /api/v1/webhooks?limit=20&script=none":                       `200 {"deliveries":[]}`,
		"GET /api/v1/webhooks?limit=100":                                  `200 {"deliveries":[` + deliveryFailed + `],"cursor":"c"}`,
		"GET /api/v1/webhooks?cursor=c&limit=100":                         `200 {"deliveries":[` + deliveryAgain + `]}`,
	}
	const table = `ID +SCRIPT +STATE +AGE +FROM +EVENT +\n` + id1 + ` +billing/paid +failed +\w+ +stripe +evt_1 +Error: no .*\n` + id2 + ` +billing/paid +started +\w+ +hmac +- +again, of ` + id1 + `\n`
	for _, name := range [][]string{{"webhooks"}, {"webhooks", "list"}} {
		got := ask(t, page, "", name...)
		got.expect(t, 0, table, "", "GET /api/v1/webhooks?limit=20")
	}
	ask(t, page, "", "webhooks", "--script", "billing/paid", "--state", "failed", "-n", "1").expect(t, 0, `ID .*\n.*evt_1.*\n`, `… there are more; --limit 5 shows further ones\n`)
	ask(t, page, "", "webhooks", "--script", "none").expect(t, 0, ``, `there are no such deliveries\n`)
	ask(t, page, "", "webhooks", "list", "--json", "--limit", "150").expect(t, 0, `\{"id":"`+id1+`".*\}\n\{"id":"`+id2+`".*\}\n`, ``)
	ask(t, page, "", "webhooks", "--state", "lost").expect(t, 2, ``, `reprise: --state is "lost"; it is one of received, started, succeeded, failed, cancelled\n`)
	ask(t, page, "", "webhooks", "-n", "0").expect(t, 2, ``, `reprise: --limit is 0; it is 1 at least\n`)
	ask(t, page, "", "webhooks", "redelivr").expect(t, 2, ``, `reprise: there is no command "webhooks redelivr"; did you mean "redeliver"\?\n`)
}

func TestWebhooksShowAndRedeliver(t *testing.T) {
	page := answers{
		"GET /api/v1/webhooks/" + id1:                 `200 ` + deliveryFailed,
		"GET /api/v1/webhooks/" + id2:                 `200 ` + deliveryAgain,
		"POST /api/v1/webhooks/" + id1 + "/redeliver": `202 ` + deliveryAgain,
	}
	ask(t, page, "", "webhooks", "show", id2).expect(t, 0, `id +`+id2+`\nscript +billing/paid\nstate +started\nfrom +hmac\nreceived +2026-.*\nagain of +`+id1+`\ncame again +2026-.*\ninput +\{"id":null\}\n`, ``)
	ask(t, page, "", "webhooks", "show", id1, "--json").expect(t, 0, `(?s)\{.*"event": "evt_1".*\}\n`, ``)
	ask(t, page, "", "webhooks", "redeliver", id1).expect(t, 0, id1+` is delivered again, as `+id2+`\n`, ``, "POST /api/v1/webhooks/"+id1+"/redeliver")
	ask(t, page, "", "webhooks", "redeliver", id1, "--json").expect(t, 0, `\{"id":"`+id2+`".*\}\n`, ``)
	// One that is not there does not keep the others from it.
	ask(t, page, "", "webhooks", "redeliver", id2, id1).expect(t, 1, id1+` is delivered again, as `+id2+`\n`, `.*there is no POST /api/v1/webhooks/`+id2+`/redeliver.*\n`)
	ask(t, page, "", "webhooks", "show").expect(t, 2, ``, `.*write it like this: reprise webhooks show ID.*\n`)
}
