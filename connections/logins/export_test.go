package logins

// Settle waits until no renewal for a connection is under way.
func (l *Logins) Settle(name string) {
	e := l.entry(name)
	e.mu.Lock()
	f := e.flight
	e.mu.Unlock()
	if f != nil {
		<-f.done
	}
}
