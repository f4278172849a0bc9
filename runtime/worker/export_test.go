package worker

import "reprise/runtime/call"

// Interrupt stops the executing turn of a session of a Host.
func Interrupt(s Session, reason *call.Error) { s.(*session).interrupt(reason) }
