package secrets

import (
	"encoding/json"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// KindSign is the call that signs with a secret, and verifies. Its Args are a
// Signing, its Body the data. The outcome's Value is the signature as text, or
// whether the one that was given is right.
const KindSign = "secrets.sign"

// Signing says how something is signed.
type Signing struct {
	Algorithm   string `json:"algorithm"`             // "SHA-256" (HMAC), "ES256", …
	Key         string `json:"key"`                   // a secret's token
	KeyEncoding string `json:"keyEncoding,omitempty"` // of an HMAC's key: "base64" or "hex"; empty: its text
	Encoding    string `json:"encoding"`              // of the signature: "hex", "base64" or "base64url"
	Verify      bool   `json:"verify,omitempty"`
	Signature   string `json:"signature,omitempty"` // to verify
}

// kit makes the functions that sign.
type kit struct{ v *vm.VM }

// hmac(key, data, { hash, encoding, keyEncoding })
func (k kit) hmac(c goja.FunctionCall) goja.Value {
	o := k.v.Options(c, 2, "hmac", "hash", "encoding", "keyEncoding")
	s := Signing{Algorithm: k.text(o, "hash", "SHA-256"), Encoding: k.text(o, "encoding", "hex"), KeyEncoding: k.text(o, "keyEncoding", "")}
	return k.call(c, "hmac", s)
}

// sign(key, data, { algorithm, encoding })
func (k kit) sign(c goja.FunctionCall) goja.Value {
	o := k.v.Options(c, 2, "sign", "algorithm", "encoding")
	s := Signing{Algorithm: k.text(o, "algorithm", ""), Encoding: k.text(o, "encoding", "base64url")}
	if s.Algorithm == "" {
		k.v.Throw(call.CodeInvalidArgument, `sign needs an algorithm, such as { algorithm: "RS256" }; for an HMAC there is hmac`)
	}
	return k.call(c, "sign", s)
}

// verify(key, data, signature, { hash | algorithm, encoding, keyEncoding })
func (k kit) verify(c goja.FunctionCall) goja.Value {
	o := k.v.Options(c, 3, "verify", "hash", "algorithm", "encoding", "keyEncoding")
	s := Signing{Verify: true, Signature: k.v.StringArg(c, 2, "the signature that verify takes"), KeyEncoding: k.text(o, "keyEncoding", "")}
	s.Algorithm, s.Encoding = k.text(o, "hash", "SHA-256"), k.text(o, "encoding", "hex")
	if algorithm := k.text(o, "algorithm", ""); algorithm != "" {
		s.Algorithm, s.Encoding = algorithm, k.text(o, "encoding", "base64url")
	}
	return k.call(c, "verify", s)
}

func (k kit) text(o *goja.Object, name, otherwise string) string {
	value := vm.Option(o, name)
	if goja.IsUndefined(value) {
		return otherwise
	}
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a string, not %s", name, vm.TypeOf(value))
	}
	return value.String()
}

func (k kit) call(c goja.FunctionCall, what string, s Signing) goja.Value {
	s.Key = k.v.StringArg(c, 0, "the key that "+what+" takes")
	data, _, err := web.BodyFrom(k.v, k.v.Arg(c, 1))
	if err != nil {
		panic(err)
	}
	if data.IsStream() || !data.Present {
		k.v.Throw(call.CodeInvalidArgument, "%s signs text or bytes; read a stream first, with new Response(stream).bytes()", what)
	}
	args, err := json.Marshal(s)
	if err != nil {
		panic(err) // text encodes
	}
	return k.v.Call(call.Call{Kind: KindSign, Target: what + " " + s.Algorithm, Class: call.Read, Args: args, Body: data.Body}, nil)
}
