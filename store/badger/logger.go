package badger

import (
	"fmt"
	"log/slog"
	"strings"
)

// engineLog gives Badger's own messages to slog: what it calls errors and
// warnings as warnings (we return what concerns a caller), the rest as debug.
type engineLog struct{ log *slog.Logger }

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Warn("badger", "says", saying{format, args})
}

func (l engineLog) Warningf(format string, args ...any) {
	l.log.Warn("badger", "says", saying{format, args})
}

func (l engineLog) Infof(format string, args ...any) {
	l.log.Debug("badger", "says", saying{format, args})
}

func (l engineLog) Debugf(format string, args ...any) {
	l.log.Debug("badger", "says", saying{format, args})
}

// saying is formatted only when somebody listens: Badger has a debug line for
// every write.
type saying struct {
	format string
	args   []any
}

// LogValue implements slog.LogValuer.
func (s saying) LogValue() slog.Value {
	return slog.StringValue(strings.TrimSpace(fmt.Sprintf(s.format, s.args...)))
}

func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
