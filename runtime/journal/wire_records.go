package journal

import (
	"math"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

func appendStarted(b []byte, r *Started) []byte {
	for _, s := range []string{r.Run, r.Script, r.File, r.Revision, r.Handler} {
		b = wire.AppendText(b, s)
	}
	b = wire.AppendNumber(b, r.Engine)
	b = appendPayload(b, r.Input)
	b = wire.AppendText(b, r.Env)
	b = wire.AppendTexts(b, r.Connections)
	b = wire.AppendTexts(b, r.Secrets)
	b = append(b, r.Seed[:]...)
	b = wire.AppendTime(b, r.At)
	b = wire.AppendText(b, r.Parent)
	b = wire.AppendNumber(b, r.ParentCall)
	b = wire.AppendText(b, r.Fork)
	b = wire.AppendNumber(b, r.ForkTurn)
	return wire.AppendText(b, r.As)
}

func parseStarted(d *decoder) *Started {
	return &Started{
		Run: d.Text(), Script: d.Text(), File: d.Text(), Revision: d.Text(), Handler: d.Text(),
		Engine: d.Number(), Input: d.payload(), Env: d.Bytes(), Connections: d.Texts(), Secrets: d.Texts(),
		Seed: d.Key(), At: d.Time(), Parent: d.Text(), ParentCall: d.Number(), Fork: d.Text(), ForkTurn: d.Number(),
		As: d.Text(),
	}
}

func appendTurn(b []byte, r *Turn, file string) []byte {
	b = append(b, byte(r.Cause), wire.Flags(r.Failed, r.Held, r.Unwinding))
	b = wire.AppendNumber(b, r.N)
	if r.Cause == ByOutcome {
		b = wire.AppendNumber(b, r.Outcome)
	}
	b = wire.AppendTime(b, r.At)
	b = wire.AppendNumber(b, max(r.CPU, 0))
	b = wire.AppendNumber(b, len(r.Calls))
	for i := range r.Calls {
		b = appendCall(b, &r.Calls[i], file)
	}
	return wire.AppendNumbers(b, r.Aborts)
}

func parseTurn(d *decoder, file string) *Turn {
	r := &Turn{Cause: Cause(d.Byte())}
	if r.Cause > ByUnwind {
		d.Failf("no turn has the cause %d", r.Cause)
	}
	f := d.Flags(3)
	r.Failed, r.Held, r.Unwinding = wire.On(f, 0), wire.On(f, 1), wire.On(f, 2)
	r.N = d.Number()
	if r.Cause == ByOutcome {
		r.Outcome = d.Number()
	}
	r.At = d.Time()
	r.CPU = d.Duration()
	if n := d.Count(callMin); n > 0 {
		r.Calls = make([]Call, n)
		for i := range r.Calls {
			r.Calls[i].parse(d, file)
		}
	}
	r.Aborts = d.Numbers()
	return r
}

func appendAttempt(b []byte, r *Attempt) []byte {
	b = append(b, wire.Flags(r.Failed, r.Err != nil))
	b = wire.AppendNumber(b, r.Call)
	b = wire.AppendNumber(b, max(r.N, 0))
	b = wire.AppendTime(b, r.At)
	if !r.Failed {
		return b
	}
	b = wire.AppendNumber(b, max(r.Status, 0))
	b = wire.AppendNumber(b, max(r.Took, 0))
	b = wire.AppendNumber(b, max(r.Bytes, 0))
	b = wire.AppendTime(b, r.RetryAt)
	b = wire.AppendText(b, r.Reason)
	if r.Err != nil {
		b = call.AppendError(b, r.Err)
	}
	return b
}

func parseAttempt(d *decoder) *Attempt {
	const most = math.MaxInt32
	f := d.Flags(2)
	r := &Attempt{Failed: wire.On(f, 0), Call: d.Number(), N: int(d.Integer(most)), At: d.Time()}
	if !r.Failed {
		if wire.On(f, 1) {
			d.Failf("an attempt that has only begun has an error")
		}
		return r
	}
	r.Status, r.Took, r.Bytes = int(d.Integer(most)), d.Duration(), d.Integer(math.MaxInt64)
	r.RetryAt, r.Reason = d.Time(), d.Text()
	if wire.On(f, 1) {
		r.Err = d.failure()
	}
	return r
}

// The lowest bits of an outcome's first byte are its flags; the form of its
// body is above them.
const outcomeBodyShift = 2

func appendOutcome(b []byte, r *Outcome) []byte {
	b = append(b, wire.Flags(r.Late, r.Err != nil)|bodyForm(r.Body)<<outcomeBodyShift)
	b = wire.AppendNumber(b, r.Call)
	b = wire.AppendTime(b, r.At)
	b = appendPayload(b, r.Value)
	b = appendBody(b, r.Body)
	if r.Err != nil {
		b = call.AppendError(b, r.Err)
	}
	return b
}

func parseOutcome(d *decoder) *Outcome {
	f := d.Flags(outcomeBodyShift + 2)
	r := &Outcome{Late: wire.On(f, 0), Call: d.Number(), At: d.Time(), Value: d.payload(), Body: d.body(f >> outcomeBodyShift)}
	if wire.On(f, 1) {
		r.Err = d.failure()
	}
	return r
}

func appendSignal(b []byte, r *Signal) []byte {
	b = wire.AppendText(b, r.Name)
	b = appendPayload(b, r.Value)
	b = wire.AppendTime(b, r.At)
	return wire.AppendText(b, r.From)
}

func parseSignal(d *decoder) *Signal {
	return &Signal{Name: d.Text(), Value: d.payload(), At: d.Time(), From: d.Text()}
}

func appendControl(b []byte, r *Control) []byte {
	seeded := r.Seed != [32]byte{}
	b = append(b, wire.Flags(seeded))
	b = wire.AppendText(b, r.Op)
	b = wire.AppendTime(b, r.At)
	b = wire.AppendText(b, r.Reason)
	b = wire.AppendNumber(b, r.Turn)
	b = wire.AppendNumbers(b, r.Void)
	b = wire.AppendText(b, r.Revision)
	if seeded {
		b = append(b, r.Seed[:]...)
		b = wire.AppendText(b, r.Run)
	}
	return b
}

func parseControl(d *decoder) *Control {
	f := d.Flags(1)
	r := &Control{Op: Op(d.Text()), At: d.Time(), Reason: d.Text(), Turn: d.Number(), Void: d.Numbers(), Revision: d.Text()}
	if wire.On(f, 0) {
		r.Seed, r.Run = d.Key(), d.Text()
	}
	return r
}

func appendEnded(b []byte, r *Ended) []byte {
	b = append(b, wire.Flags(r.Err != nil))
	b = wire.AppendTime(b, r.At)
	b = wire.AppendText(b, r.Status)
	b = wire.AppendText(b, r.Reason)
	b = appendPayload(b, r.Output)
	b = wire.AppendNumbers(b, r.Dropped)
	b = wire.AppendText(b, r.Successor)
	if r.Err != nil {
		b = call.AppendError(b, r.Err)
	}
	return b
}

func parseEnded(d *decoder) *Ended {
	f := d.Flags(1)
	r := &Ended{At: d.Time(), Status: d.Text(), Reason: d.Text(), Output: d.payload(), Dropped: d.Numbers(), Successor: d.Text()}
	if wire.On(f, 0) {
		r.Err = d.failure()
	}
	return r
}
