package httpbind

import (
	"math"
	"slices"

	"github.com/dop251/goja"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

var retryOptions = []string{"attempts", "delay", "factor", "maxDelay", "jitter", "statuses"}

// retry reads the option of that name: how many more times (0 or false: never
// again), or an object.
func (k *kit) retry(value goja.Value) *web.HTTPRetry {
	r := &web.HTTPRetry{Attempts: connections.DefaultAttempts, Jitter: true}
	obj, isObject := value.(*goja.Object)
	switch {
	case isObject:
		k.readRetry(r, obj)
	case goja.IsNumber(value):
		r.Attempts = 1 + k.count(value, "retry", 0, connections.MaxAttempts-1)
	case goja.IsNull(value) || goja.IsString(value):
		k.v.Throw(call.CodeInvalidArgument, "retry must be a number of retries, false, or an object, not %s", vm.TypeOf(value))
	case !value.ToBoolean():
		r.Attempts = 1
	}
	return r
}

func (k *kit) readRetry(r *web.HTTPRetry, obj *goja.Object) {
	for _, name := range obj.Keys() {
		value := obj.Get(name)
		if !slices.Contains(retryOptions, name) {
			k.unknown("retry", name, retryOptions)
		}
		if value == nil || goja.IsUndefined(value) {
			continue
		}
		switch name {
		case "attempts":
			r.Attempts = k.count(value, "retry.attempts", 1, connections.MaxAttempts)
		case "delay":
			// None at all is not sent as zero, which means the default.
			r.DelayMS = max(k.v.Duration(value, "retry.delay").Milliseconds(), 1)
		case "maxDelay":
			r.MaxDelayMS = max(k.v.Duration(value, "retry.maxDelay").Milliseconds(), 1)
		case "factor":
			if r.Factor = value.ToFloat(); !(r.Factor >= 1 && r.Factor <= 100) {
				k.v.Throw(call.CodeInvalidArgument, "retry.factor must be a number from 1 to 100")
			}
		case "jitter":
			r.Jitter = value.ToBoolean()
		case "statuses":
			r.Statuses = k.statuses(value)
		}
	}
}

func (k *kit) statuses(value goja.Value) []int {
	obj, ok := value.(*goja.Object)
	if !ok || obj.ClassName() != "Array" {
		k.v.Throw(call.CodeInvalidArgument, "retry.statuses must be a list of HTTP statuses, not %s", vm.TypeOf(value))
	}
	var list []int
	k.rt.ForOf(obj, func(item goja.Value) bool {
		list = append(list, k.count(item, "each of retry.statuses", 100, 599))
		return len(list) <= 100
	})
	return list
}

// count reads a whole number within bounds.
func (k *kit) count(value goja.Value, name string, least, most int) int {
	f := math.NaN()
	if goja.IsNumber(value) {
		f = value.ToFloat()
	}
	if f != math.Trunc(f) || f < float64(least) || f > float64(most) {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a whole number from %d to %d", name, least, most)
	}
	return int(f)
}

// auth reads what the functions of reprise:auth return. Null takes an
// instance's auth away.
func (k *kit) auth(value goja.Value) *web.HTTPAuth {
	if goja.IsNull(value) {
		return nil
	}
	obj, ok := value.(*goja.Object)
	if !ok {
		k.v.Throw(call.CodeInvalidArgument, "auth must come from bearer, basic, apiKey, oauth2 or standardWebhooks of reprise:auth, not %s", vm.TypeOf(value))
	}
	text := func(name string) string {
		if value := vm.Option(obj, name); goja.IsString(value) {
			return value.String()
		}
		return ""
	}
	a := &web.HTTPAuth{
		Type: text("type"), Token: text("token"), Username: text("username"), Password: text("password"),
		In: text("in"), Name: text("name"),
		TokenURL: text("tokenUrl"), ClientID: text("clientId"), ClientSecret: text("clientSecret"), Audience: text("audience"),
	}
	if scopes, ok := vm.Option(obj, "scopes").(*goja.Object); ok {
		k.rt.ForOf(scopes, func(item goja.Value) bool {
			a.Scopes = append(a.Scopes, item.String())
			return true
		})
	}
	var credential string
	switch a.Type {
	case "bearer", "apiKey", "standardWebhooks":
		credential = a.Token
	case "basic":
		credential = a.Password
	case "oauth2":
		credential = a.ClientSecret
	default:
		k.v.Throw(call.CodeInvalidArgument, "auth must come from bearer, basic, apiKey, oauth2 or standardWebhooks of reprise:auth")
	}
	if _, ok := connections.IsToken(credential); !ok {
		k.v.Throw(call.CodeInvalidArgument, "auth (%s) takes a secret and not a literal text: import { secret } from \"reprise:secrets\" and pass secret(\"NAME\")", a.Type)
	}
	return a
}
