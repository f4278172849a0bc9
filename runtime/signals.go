// What reaches a run from outside: signals, and the answers of people, which are
// signals with a name of their own.

package runtime

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/store"
)

// maxSignals is how many signals of a run may wait to be taken.
const maxSignals = 10_000

// Signal gives a run a signal, which is kept until a waitFor takes it. It
// returns when that is on disk. A run that has ended is CONFLICT_ERROR.
func (e *Engine) Signal(ctx context.Context, req SignalRequest) error {
	if err := checkSignalName(req.Name); err != nil {
		return err
	}
	value, err := compactInput(req.Value)
	if err != nil {
		return err
	}
	_, err = on(ctx, e, req.Run, func(a *actor) (struct{}, error) {
		return struct{}{}, a.signal(req.Name, value, req.IdempotencyKey, req.From)
	})
	return err
}

// SignalRun sends a signal for a call: the host side of signal(). The key of
// the call makes it count once.
func (e *Engine) SignalRun(ctx context.Context, p *call.Performance, run, name string, value []byte, idempotencyKey string) error {
	key := "call/" + p.Key
	if idempotencyKey != "" {
		key = "key/" + idempotencyKey
	}
	return e.Signal(ctx, SignalRequest{Run: run, Name: name, Value: value, IdempotencyKey: key, From: p.By.Run})
}

func checkSignalName(name string) error {
	switch {
	case name == "" || len(name) > 200 || strings.ContainsFunc(name, unicode.IsControl):
		return call.Errorf(call.CodeInvalidArgument, "a signal's name has 1 to 200 bytes and no control characters")
	case strings.HasPrefix(name, askPrefix):
		return call.Errorf(call.CodeInvalidArgument, "a signal's name can not begin with %q: answers to questions have such names", askPrefix)
	}
	return nil
}

// signal records a signal and gives it to whoever waits for it.
func (a *actor) signal(name string, value []byte, key, from string) error {
	if key != "" {
		seen, err := a.seen(key)
		if err != nil || seen {
			return err // also of a run that has ended since
		}
	}
	if a.run.Status.Ended() {
		return a.conflict("given a signal")
	}
	if waiting := a.untaken(); waiting >= maxSignals {
		return call.Errorf(call.CodeConflict, "the run %s has %d signals that it did not take yet", a.id, waiting)
	}
	if key != "" {
		a.setRow(store.RowOp{Table: tableSignals, Key: indexKey(a.id, key), Value: []byte{}})
	}
	p := a.payload(value)
	a.record(&journal.Signal{Name: name, Value: p, At: a.now(), From: from})
	a.signals[name] = append(a.signals[name], p)
	a.wake()
	a.flush(true)
	if a.broken != nil {
		return a.broken
	}
	if a.x != nil && !a.x.silent {
		a.matchAll(name)
	}
	a.engine.logSignal(a.run.Run, name, from)
	return nil
}

// untaken is how many signals wait to be taken.
func (a *actor) untaken() (n int) {
	for _, left := range a.signals {
		n += len(left)
	}
	return n
}

// seen reports whether a key was used before.
func (a *actor) seen(key string) (bool, error) {
	_, ok, err := a.engine.options.Store.Row(a.engine.ctx, tableSignals, indexKey(a.id, key))
	if err != nil {
		return false, storeError("read the signal's key", err)
	}
	return ok, nil
}

// wake has a waiting run look again; should the process die, the next one does it.
func (a *actor) wake() {
	if a.run.Status == Waiting && a.x == nil {
		a.woken = true
		a.setTimer(timerWake, a.now())
	}
}

// askPrefix begins the names of the signals that answers are.
const askPrefix = "ask:"

func askName(id uint64) string { return askPrefix + strconv.FormatUint(id, 10) }

// askKey is what makes the address of a form unguessable.
func (e *Engine) askKey(run string, id uint64) string {
	return hex.EncodeToString(mac(e.key, fmt.Sprintf("ask/%s/%d", run, id))[:16])
}

// AskURL is the address of a form: the host side of ask().
func (e *Engine) AskURL(run string, id uint64) string {
	return fmt.Sprintf("%s/_/ask/%s/%d?key=%s", e.options.URL(), run, id, e.askKey(run, id))
}

// askShown is the title and the address of the form that a call waits for.
func (a *actor) askShown(c *openCall) (title, url string) {
	var args call.AnswerArgs
	if json.Unmarshal(c.call.Args, &args) != nil {
		return "", ""
	}
	form, _, err := a.ask(args.Ask)
	if err != nil {
		return "", ""
	}
	return form.Title, a.engine.AskURL(a.id, args.Ask)
}

// ask finds an ask in the journal.
func (a *actor) ask(id uint64) (AskForm, call.AskArgs, error) {
	var args call.AskArgs
	c := a.h.Call(id)
	if c == nil || c.Kind != call.KindAsk {
		return AskForm{}, args, errNoAsk
	}
	b, err := c.Args.Bytes(a.engine.loader(a.engine.ctx))
	if err != nil {
		return AskForm{}, args, err
	}
	if err := json.Unmarshal(b, &args); err != nil {
		return AskForm{}, args, call.Errorf(call.CodeStore, "the ask can not be read: %v", err)
	}
	form := AskForm{Run: a.id, Script: a.run.Script, Call: id, Title: args.Title, Description: args.Description, Schema: args.Schema}
	form.Answered = a.answered(id)
	form.Until = a.answerUntil(id)
	return form, args, nil
}

var errNoAsk = call.Errorf(call.CodeNotFound, "there is no such question: the link is wrong, or its run was deleted")

// answered reports whether an ask has its answer, or has given up waiting.
func (a *actor) answered(id uint64) bool {
	for _, s := range a.h.Signals {
		if s.Name == askName(id) {
			return true
		}
	}
	wait := a.answerCall(id)
	return a.run.Status.Ended() || wait != nil && a.h.Outcome(wait.ID) != nil
}

// answerCall is the call that waits, or waited, for the answer to an ask.
func (a *actor) answerCall(id uint64) *journal.Call {
	for _, t := range a.h.Turns {
		for i := range t.Calls {
			if c := &t.Calls[i]; c.Kind == call.KindAnswer && a.answerArgs(c).Ask == id {
				return c
			}
		}
	}
	return nil
}

func (a *actor) answerArgs(c *journal.Call) (args call.AnswerArgs) {
	b, err := c.Args.Bytes(a.engine.loader(a.engine.ctx))
	if err != nil || json.Unmarshal(b, &args) != nil {
		return call.AnswerArgs{}
	}
	return args
}

// answerUntil is when an ask gives up, if it is waited for and ever does.
func (a *actor) answerUntil(id uint64) *time.Time {
	c := a.answerCall(id)
	if c == nil {
		return nil
	}
	until := dueAfter(a.h.IssuedBy(c.ID).At, a.answerArgs(c).TimeoutMS)
	if until.IsZero() {
		return nil
	}
	return &until
}

// Ask returns the form of a question. A wrong key is NOT_FOUND_ERROR.
func (e *Engine) Ask(ctx context.Context, run string, id uint64, key string) (AskForm, error) {
	if !e.opens(run, id, key) {
		return AskForm{}, errNoAsk
	}
	form, err := on(ctx, e, run, func(a *actor) (AskForm, error) {
		form, _, err := a.ask(id)
		return form, err
	})
	return form, hideRun(err)
}

// opens reports whether a key is that of an ask. It is looked at before the run
// is: nobody learns anything, or has anything read, without it.
func (e *Engine) opens(run string, id uint64, key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(e.askKey(run, id))) == 1
}

// hideRun keeps strangers from learning which runs exist.
func hideRun(err error) error {
	if call.CodeOf(err) == call.CodeNotFound {
		return errNoAsk
	}
	return err
}

// Answer answers a question, once: a second answer is CONFLICT_ERROR. Whether
// the value fits the form's schema is for the caller to see to.
func (e *Engine) Answer(ctx context.Context, run string, id uint64, key string, value json.RawMessage) error {
	if !e.opens(run, id, key) {
		return errNoAsk
	}
	answer, err := compactInput(value)
	if err != nil {
		return err
	}
	_, err = on(ctx, e, run, func(a *actor) (struct{}, error) {
		form, _, err := a.ask(id)
		if err != nil {
			return struct{}{}, err
		}
		if form.Answered || form.Until != nil && form.Until.Before(a.now()) {
			return struct{}{}, call.Errorf(call.CodeConflict, "the question %q has been answered, or its time is up", form.Title)
		}
		return struct{}{}, a.signal(askName(id), answer, "", "")
	})
	return hideRun(err)
}
