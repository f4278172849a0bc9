package egress

import (
	"fmt"
	"net/netip"

	"reprise/runtime/call/hosts"
)

// Rule says what a call was refused by.
type Rule string

// The rules, beside the kinds of addresses that are not public ([hosts.Kind]).
const (
	RuleList    Rule = "list"       // egress.allow does not have it
	RuleScript  Rule = "script"     // the script's own config.egress does not have it
	RuleAdmin   Rule = "admin"      // the server's own admin origin
	RuleUnknown Rule = "unresolved" // behind a proxy, and this machine does not know where it is
)

// DeniedError says that a script may not call a host, why, and how to allow it.
type DeniedError struct {
	Target hosts.Target
	Addr   netip.Addr // what the name leads to; the zero Addr when only the name was looked at
	Rule   Rule

	prefix netip.Prefix // that says what the address is for
	listed bool         // there is a list to which something can be added
}

// Script is the refusal of a host that the script's own list does not have.
func Script(t hosts.Target) *DeniedError { return &DeniedError{Target: t, Rule: RuleScript} }

// Error is a sentence for whoever wrote the script, and what to do.
func (d *DeniedError) Error() string {
	host := d.Target.Host()
	switch d.Rule {
	case RuleScript:
		return fmt.Sprintf("config.egress.allow of this script does not have %s; add it there", host)
	case RuleAdmin:
		return fmt.Sprintf("%s is the address of this server's own studio and admin API, which scripts never reach", d.Target)
	case RuleUnknown:
		return fmt.Sprintf("%s can not be looked up here, and a proxy would find it: nobody knows where it leads; %s", host, d.allow(host))
	case RuleList:
		if d.Addr.IsValid() && d.Target.Name != "" {
			return fmt.Sprintf("egress.allow has neither %s nor its address %s; %s", host, d.Addr, d.allow(host))
		}
		return fmt.Sprintf("egress.allow does not have %s; %s", host, d.allow(host))
	}
	addr, why := d.Addr, string(d.Rule)
	if d.prefix.IsValid() && !d.prefix.IsSingleIP() {
		why += " (" + d.prefix.String() + ")"
	}
	if d.Target.Name == "" {
		return fmt.Sprintf("the address %s is %s and not for scripts; %s", addr, why, d.allow(addr.String()))
	}
	return fmt.Sprintf("%s leads to the address %s, which is %s and not for scripts; %s", host, addr, why, d.allow(addr.String()))
}

// allow says what to write into reprise.yaml.
func (d *DeniedError) allow(entry string) string {
	if d.listed {
		return fmt.Sprintf("to allow it, add %s to egress.allow in reprise.yaml (--egress-allow)", entry)
	}
	return fmt.Sprintf("to allow it, set egress.allow: [public, %q] in reprise.yaml (--egress-allow public,%s)", entry, entry)
}

// Data is what a script gets beside the message.
func (d *DeniedError) Data() any {
	data := struct {
		Host    string `json:"host"`
		Address string `json:"address,omitempty"`
		Rule    string `json:"rule"`
	}{Host: d.Target.Host(), Rule: string(d.Rule)}
	if d.Addr.IsValid() {
		data.Address = d.Addr.String()
	}
	return data
}
