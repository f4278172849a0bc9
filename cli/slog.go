package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/logs"
)

// serverLog sends what the server's own rooms log into the one stream, as
// entries of kind server.
type serverLog struct {
	log   interface{ Emit(logs.Entry) uint64 }
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *serverLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (h *serverLog) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]any{}
	put := func(a slog.Attr) bool {
		fields[a.Key] = plain(a.Value.Resolve())
		return true
	}
	for _, a := range h.attrs {
		put(a)
	}
	r.Attrs(put)
	e := logs.Entry{Time: r.Time, Kind: logs.KindServer, Level: levelOf(r.Level), Msg: r.Message}
	if len(fields) > 0 {
		b, err := call.Encode(fields)
		if err != nil {
			return err
		}
		e.Fields = b
	}
	h.log.Emit(e)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *serverLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &serverLog{log: h.log, attrs: append(append([]slog.Attr{}, h.attrs...), attrs...)}
}

// WithGroup implements slog.Handler. Entries have flat fields.
func (h *serverLog) WithGroup(string) slog.Handler { return h }

func levelOf(l slog.Level) logs.Level {
	switch {
	case l >= slog.LevelError:
		return logs.Error
	case l >= slog.LevelWarn:
		return logs.Warn
	case l >= slog.LevelInfo:
		return logs.Info
	}
	return logs.Debug
}

// plain makes a value of an attribute that encodes as JSON.
func plain(v slog.Value) any {
	switch x := v.Any().(type) {
	case error:
		return x.Error()
	case time.Duration:
		return x.String()
	case fmt.Stringer:
		return x.String()
	case string, bool, int, int64, uint64, float64, nil:
		return x
	default:
		return fmt.Sprint(x)
	}
}
