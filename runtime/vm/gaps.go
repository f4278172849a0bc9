package vm

import (
	"strings"
	"sync"
)

// GapFiller is a Platform that defines built-ins of the language that the
// engine lacks, such as Promise.withResolvers. Defining one makes goja build
// the object it belongs to, so only those that a bundle's text mentions are.
type GapFiller interface {
	// Gaps lists the words that ask for a built-in.
	Gaps() []string
	// FillGap defines what word asks for. It runs before the bundle.
	FillGap(v *VM, word string)
}

// mentions finds, once per program, which gaps its text asks for.
type mentions struct {
	once  sync.Once
	words []string
}

func (m *mentions) of(source string, words []string) []string {
	m.once.Do(func() {
		for _, w := range words {
			if strings.Contains(source, w) {
				m.words = append(m.words, w)
			}
		}
	})
	return m.words
}

// fillGaps defines the built-ins that the program asks for.
func (v *VM) fillGaps(p *Program) {
	filler, ok := v.config.Platform.(GapFiller)
	if !ok {
		return
	}
	for _, word := range p.mentions.of(p.source, filler.Gaps()) {
		filler.FillGap(v, word)
	}
}
