package secrets_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"reprise/bindings/secrets"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

var runKey = []byte("the key of run r1")

// The keys of RFC 7515, appendices A.2 and A.3, of RFC 8037, A.1, and of RFC 4231, test case 2.
var values = map[string]string{
	"HMAC": "Jefe",
	"HEX":  "4a656665",
	"B64":  "SmVmZQ==",
	"ES":   `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`,
	"ED":   `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
	"RSA": `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB",` +
		`"d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",` +
		`"p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc","q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc","dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0","dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU","qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}`,
}

const (
	hs256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" // RFC 4231, 4.3
	// The signing input of RFC 7515, A.2 and A.3, and the signatures there.
	rsInput = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rs256   = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	esInput = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	es256   = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	// RFC 8037, A.4.
	edInput = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	eddsa   = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

// sign runs the body of a handler and returns what it returns.
func sign(t *testing.T, body string) (string, *call.Error) {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { secret, hmac, sign, verify } = __reprise.module("secrets");
		__reprise.exports({ default: async () => { `+body+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Modules: []vm.Module{secrets.Module()}, TurnBudget: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := connections.NewSecrets(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := secrets.New(kept)
	turn := v.Begin(vm.Start{Run: "r1", Script: "s", Handler: vm.HandlerRun, Now: time.UnixMilli(1), SecretKey: runKey, Secrets: kept.Names()})
	for !turn.Done {
		if len(turn.Calls) != 1 {
			t.Fatalf("%d calls", len(turn.Calls))
		}
		c := turn.Calls[0]
		for _, value := range values {
			if strings.Contains(string(c.Args), value) {
				t.Fatalf("the call has a secret: %s", c.Args)
			}
		}
		turn = v.Deliver(host.Do(t.Context(), &call.Performance{
			By: call.Caller{SecretKey: runKey}, Call: c,
			Read: func(b call.Body) ([]byte, error) {
				if b.IsHeld() {
					return nil, errors.New("there is no such body")
				}
				return b.Inline, nil
			},
		}), time.UnixMilli(2))
	}
	return string(turn.Value), turn.Err
}

func TestPublishedVectors(t *testing.T) {
	for body, want := range map[string]string{
		`return hmac(secret("HMAC"), "what do ya want for nothing?")`:                                                                     hs256,
		`return hmac(secret("HMAC"), new TextEncoder().encode("what do ya want for nothing?"))`:                                           hs256,
		`return hmac(secret("HEX"), new Blob(["what do ya want for nothing?"]), { keyEncoding: "hex" })`:                                  hs256,
		`return hmac(secret("B64"), "what do ya want for nothing?", { keyEncoding: "base64", encoding: "base64url" })`:                    "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM",
		`return hmac(secret("HMAC"), "what do ya want for nothing?", { hash: "SHA-1" })`:                                                  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", // RFC 2202
		`return sign(secret("RSA"), "` + rsInput + `", { algorithm: "RS256" })`:                                                           rs256,
		`return sign(secret("ED"), "` + edInput + `", { algorithm: "EdDSA" })`:                                                            eddsa,
		`return String(await verify(secret("ES"), "` + esInput + `", "` + es256 + `", { algorithm: "ES256" }))`:                           "true",
		`return String(await verify(secret("RSA"), "` + rsInput + `", "` + rs256 + `", { algorithm: "RS256" }))`:                          "true",
		`return String(await verify(secret("ED"), "` + edInput + `", "` + eddsa + `", { algorithm: "EdDSA" }))`:                           "true",
		`return String(await verify(secret("HMAC"), "what do ya want for nothing?", "` + hs256 + `"))`:                                    "true",
		`return String(await verify(secret("HMAC"), "what do ya want for nothing!", "` + hs256 + `"))`:                                    "false",
		`return String(await verify(secret("HMAC"), "what do ya want for nothing?", "not hex"))`:                                          "false",
		`return String(await verify(secret("ES"), "x", "` + es256 + `", { algorithm: "ES256" }))`:                                         "false",
		`return String(await verify(secret("ES"), "x", "AAAA", { algorithm: "ES256" }))`:                                                  "false",
		`return String(await verify(secret("RSA"), "x", await sign(secret("RSA"), "x", { algorithm: "PS512" }), { algorithm: "PS512" }))`: "true",
		`return String(await verify(secret("ES"), "x", await sign(secret("ES"), "x", { algorithm: "ES256" }), { algorithm: "ES256" }))`:   "true",
		// Some APIs have the secret in what is signed.
		`return String(await hmac(secret("HMAC"), "a" + secret("HEX")) === await hmac(secret("HMAC"), "a4a656665"))`: "true",
	} {
		quoted, _ := json.Marshal(want)
		if got, err := sign(t, body); err != nil || got != string(quoted) {
			t.Errorf("%s\n%s, %v\nwant %s", body, got, err, quoted)
		}
	}
}

func TestSigningRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`await hmac("a key", "x")`:                                     "must be secret(NAME)",
		`await hmac("rps_HMAC_0123456789abcdef0123456789abcdef", "x")`: "not a secret of this run",
		`await hmac(secret("HMAC"), "x", { hash: "MD5" })`:             `there is no algorithm "MD5"; there are ES256`,
		`await hmac(secret("HMAC"), "x", { encoding: "latin1" })`:      "hex, base64 or base64url",
		`await hmac(secret("HMAC"), "x", { keyEncoding: "hex" })`:      "the key is not in hex",
		`await hmac(secret("HMAC"))`:                                   "text or bytes",
		`await hmac(secret("HMAC"), new ReadableStream())`:             "read a stream first",
		`await sign(secret("HMAC"), "x", { algorithm: "RS256" })`:      "the key can not be read",
		`await sign(secret("ES"), "x", { algorithm: "RS256" })`:        "not one for this algorithm",
		`await sign(secret("ES"), "x", { algorithm: "ES384" })`:        "not one for this algorithm",
		`await sign(secret("ES"), "x")`:                                "sign needs an algorithm",
		`await sign(secret("ES"), "x", { algorithm: "none" })`:         `there is no algorithm "none"`,
		`await sign(secret("ES"), "x", { alg: "ES256" })`:              `no option "alg"`,
		`await verify(secret("HMAC"), "x", 5)`:                         "must be a string",
	} {
		_, err := sign(t, body)
		if err == nil || err.Code != string(call.CodeInvalidArgument) || !strings.Contains(err.Message, want) {
			t.Errorf("%s: %v, want %q", body, err, want)
			continue
		}
		for name, value := range values {
			if strings.Contains(err.Error(), value) {
				t.Errorf("%s: the error has %s: %v", body, name, err)
			}
		}
	}
}
