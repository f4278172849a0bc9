package cli

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"reprise/runtime/call"
)

// fileLimits are the limits in reprise.yaml: the most that a script may ask for.
type fileLimits struct {
	TurnCPU       *fileLimit `yaml:"turnCpu"`
	RunCPU        *fileLimit `yaml:"runCpu"`
	CallsInFlight *fileLimit `yaml:"callsInFlight"`
	Calls         *fileLimit `yaml:"calls"`
	CallDepth     *fileLimit `yaml:"callDepth"`
	Body          *fileLimit `yaml:"body"`
	Result        *fileLimit `yaml:"result"`
	KVValue       *fileLimit `yaml:"kvValue"`
	LogRate       *fileLimit `yaml:"logRate"`
	Source        *fileLimit `yaml:"source"`
}

// fileLimit is one of them: text or a number, and where it stands.
type fileLimit struct {
	text string
	at   *token.Token
}

// UnmarshalYAML keeps a value as it is written.
func (l *fileLimit) UnmarshalYAML(n ast.Node) error {
	l.at, l.text = n.GetToken(), n.GetToken().Value
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
	default:
		l.text = n.String() // which is no limit, and said to be none
	}
	return nil
}

// byName returns the limits that are set.
func (f *fileLimits) byName() map[string]*fileLimit {
	out := map[string]*fileLimit{
		"turnCpu": f.TurnCPU, "runCpu": f.RunCPU, "callsInFlight": f.CallsInFlight, "calls": f.Calls, "callDepth": f.CallDepth,
		"body": f.Body, "result": f.Result, "kvValue": f.KVValue, "logRate": f.LogRate, "source": f.Source,
	}
	for name, l := range out {
		if l == nil {
			delete(out, name)
		}
	}
	return out
}

// check reports a limit that can not be set, with its place.
func (f *fileLimits) check(path string) error {
	set := f.byName()
	for _, d := range call.AllLimits() {
		if l := set[d.Name]; l != nil {
			if _, err := d.Parse(l.text); err != nil {
				return usagef("%s", showToken(path, l.at, fmt.Sprintf("limits.%s: %s", d.Name, err)))
			}
		}
	}
	return nil
}
