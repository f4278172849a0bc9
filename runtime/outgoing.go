package runtime

import (
	"io"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// outgoing is an answer that the script makes while it is sent. What it writes goes
// on as the client takes it.
type outgoing struct {
	lane lane // writes, one after another
	r    *io.PipeReader
	w    *io.PipeWriter
}

func newOutgoing() *outgoing {
	r, w := io.Pipe()
	return &outgoing{r: r, w: w}
}

// errClientGone is what a script is told that writes to nobody.
var errClientGone = call.Errorf(call.CodeAbort, "the client does not read the answer any more")

// errCutOff is what the client's side is told of an answer that nobody goes on with.
var errCutOff = call.Errorf(call.CodeCancelled, "the run ended before its answer was whole")

func (o *outgoing) write(b []byte) *call.Error {
	if _, err := o.w.Write(b); err != nil {
		return errClientGone
	}
	return nil
}

func (o *outgoing) close() {
	_ = o.w.CloseWithError(errCutOff) // it never fails, and does nothing where it has ended
	o.lane.close()
}

func (o *outgoing) perform(c call.Call, args bodyArgs) call.Outcome {
	var err *call.Error
	switch {
	case c.Kind == worker.KindBodyWrite:
		err = o.write(c.Body.Inline)
	case args.Error != "":
		_ = o.w.CloseWithError(call.Errorf(call.CodeCancelled, "the stream of the answer failed: %s", args.Error))
	default:
		_ = o.w.Close()
	}
	if err != nil {
		return call.Failed(c.ID, err)
	}
	return call.OK(c.ID, nil)
}
