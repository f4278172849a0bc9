package proc

import "errors"

var (
	// ErrClosed says that the connection was closed on this side.
	ErrClosed = errors.New("proc: the connection is closed")
	// ErrGone says that the other side has closed the connection, or has died.
	ErrGone = errors.New("proc: the other side of the connection is gone")
	// ErrFrame says that what arrived is no frame. The connection is of no use
	// any more: nobody knows where the next frame begins.
	ErrFrame = errors.New("proc: what arrived is no frame")
	// ErrTooLarge says that a frame is larger than the connection allows. It
	// was not sent, and the connection can still be used.
	ErrTooLarge = errors.New("proc: the frame is too large")
	// ErrVersion says that the two sides are of different versions.
	ErrVersion = errors.New("proc: the two processes are of different versions")
)
