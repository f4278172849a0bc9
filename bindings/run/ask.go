package run

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// question is an ask between its two calls: the one that makes the form, and
// the one that waits for the answer. Both are of the line that asked.
type question struct {
	vm.Cell
	call    uint64 // that made the form
	title   string
	timeout int64
	pos     call.Position
}

// ask(options) has the form made. What it returns has the promise of its url,
// the script's notify, and hidden, what answer needs.
func (k kit) ask(c goja.FunctionCall) goja.Value {
	k.needDurable("ask")
	o := k.v.Options(c, 0, "ask", "title", "description", "schema", "timeout", "notify")
	args := call.AskArgs{Title: k.line(vm.Option(o, "title")), Description: k.description(o), Schema: k.schema(o)}
	if err := checkAsk(args); err != nil {
		panic(k.v.NewError(err))
	}
	q := &question{title: args.Title, timeout: k.timeout(o), pos: k.v.Pos()}
	notify := vm.Option(o, "notify")
	if !vm.IsNone(notify) {
		k.function(notify, "notify")
	}
	url, id := k.v.CallWithID(call.Call{
		Kind: call.KindAsk, Target: "ask " + args.Title, Class: call.Pure, Args: encode(args), Pos: q.pos,
	}, k.formURL)
	q.call = id
	form := k.v.Runtime().NewObject()
	set(form, "url", url)
	set(form, "notify", notify)
	vm.Hide(k.v, form, q)
	return form
}

// formURL takes the address out of the outcome {"url": …}.
func (k kit) formURL(o call.Outcome) (goja.Value, error) {
	value, err := k.v.ParseJSON(o.Value)
	if err != nil {
		return nil, err
	}
	made, _ := value.(*goja.Object)
	return vm.Option(made, "url"), nil
}

// answer(form) is the promise of what the human answers.
func (k kit) answer(c goja.FunctionCall) goja.Value {
	q, ok := vm.Reveal[*question](k.v, k.v.Arg(c, 0))
	if !ok {
		panic(k.v.Runtime().NewTypeError("not a question"))
	}
	return k.v.Call(call.Call{
		Kind: call.KindAnswer, Target: "answer to " + q.title, Class: call.Pure,
		Args: encode(call.AnswerArgs{Ask: q.call, TimeoutMS: q.timeout}), Pos: q.pos,
	}, nil)
}

func (k kit) line(value goja.Value) string {
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "ask needs a title, text that says what is asked, not %s: ask({ title: \"Approve the order?\" })", vm.TypeOf(value))
	}
	return value.String()
}

func (k kit) description(o *goja.Object) string {
	value := vm.Option(o, "description")
	if vm.IsNone(value) {
		return ""
	}
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "the description of an ask must be a string, not %s", vm.TypeOf(value))
	}
	return value.String()
}

func (k kit) schema(o *goja.Object) []byte {
	value := vm.Option(o, "schema")
	if vm.IsNone(value) {
		return nil
	}
	return k.json(value, "the schema of an ask").Inline
}
