// The part of a config's schema that is about limits.

package script

import (
	"fmt"

	"reprise/runtime/call"
)

// limits reads what a script asks for. More than the server allows is an error
// and not cut silently: the script would not do what its config says.
func (s *schema) limits(l *literal) (out call.Limits) {
	table := call.AllLimits()
	names := make([]string, len(table))
	for i, d := range table {
		names[i] = d.Name
	}
	s.object(l, "config.limits", func(key string, v *literal) bool {
		d, ok := call.FindLimit(key)
		if ok {
			d.Set(&out, s.amount(v, d))
		}
		return ok || s.isElsewhere(key, v)
	}, names...)
	return out
}

// amount is the value of a limit; zero where it is not a valid one.
func (s *schema) amount(l *literal, d call.Limit) int64 {
	var n int64
	var err error
	switch {
	case l.kind == numberLiteral:
		n, err = d.Number(l.number)
	case l.kind == stringLiteral && d.Unit != call.UnitCount:
		n, err = d.Parse(l.text)
	default:
		err = fmt.Errorf("it must be %s, not %s", unitWords[d.Unit], l.kind)
	}
	if err != nil {
		s.fail(l, "limits.%s: %s", d.Name, err)
		return 0
	}
	if most := d.Of(s.most); n > most {
		s.fail(l, "limits.%[1]s is %[2]s, and this server allows %[3]s at most; ask for less, or raise limits.%[1]s in reprise.yaml (--%[4]s)", d.Name, d.Format(n), d.Format(most), d.Flag())
		return 0
	}
	return n
}

var unitWords = map[call.Unit]string{
	call.UnitCount: "a number",
	call.UnitTime:  `a duration such as "30s", or a number of milliseconds`,
	call.UnitBytes: `a size such as "32MiB", or a number of bytes`,
}

// isElsewhere helps over a limit that is a setting of another place.
func (s *schema) isElsewhere(key string, l *literal) bool {
	switch key {
	case "timeout", "wall", "wallTime":
		s.fail(l, "limits has no %q: how long a request may take is config.timeout", key)
	case "memory":
		s.fail(l, `limits has no "memory": it belongs to the server, and not to a script`)
	case "concurrency", "rate":
		s.fail(l, "limits has no %[1]q: it is config.%[1]s", key)
	default:
		return false
	}
	return true
}
