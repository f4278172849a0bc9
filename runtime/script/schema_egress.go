package script

import (
	"reprise/runtime/call/hosts"
)

// egress reads what a script says it calls. What the server allows is not
// known here: the list only narrows that.
func (s *schema) egress(l *literal) *Egress {
	e := &Egress{}
	s.object(l, "config.egress", func(key string, v *literal) bool {
		if key != "allow" {
			return false
		}
		if e.Allow = s.list(v, key, false, s.host); e.Allow == nil {
			e.Allow = []string{} // which is nothing, and not no list
		}
		if len(e.Allow) > hosts.MaxEntries {
			s.fail(v, "allow has %d entries, and the limit is %d; prefixes and *.example.com stand for many", len(e.Allow), hosts.MaxEntries)
		}
		return true
	}, "allow")
	if l.kind == objectLiteral && l.get("allow") == nil {
		s.fail(l, "egress lists what the script calls: { allow: [\"api.example.com\"] }")
	}
	return e
}

func (s *schema) host(item *literal) string {
	list, err := hosts.Parse([]string{item.text})
	switch {
	case err != nil:
		s.fail(item, "allow: %s", err)
	case list.Public || list.Loopback:
		s.fail(item, "allow: %q is a word for the server's own list; name the hosts that the script calls", item.text)
	}
	return item.text
}
