package vm

import (
	"slices"
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

func (m *mentions) of(source string, words func() []string) []string {
	m.once.Do(func() {
		for _, w := range words() {
			if strings.Contains(source, w) {
				m.words = append(m.words, w)
			}
		}
	})
	return m.words
}

// fillGaps defines the built-ins that the program asks for.
func (v *VM) fillGaps(p *Program) {
	filler, _ := v.config.Platform.(GapFiller)
	asked := p.mentions.of(p.source, func() []string {
		words := slices.Clone(symbolWords)
		if filler != nil {
			words = append(words, filler.Gaps()...)
		}
		return words
	})
	for _, word := range asked {
		if slices.Contains(symbolWords, word) {
			v.defineSymbols()
		} else {
			filler.FillGap(v, word)
		}
	}
}

// symbolWords ask for the symbols of async iteration and of using.
var symbolWords = []string{"asyncIterator", "ispose"}

// defineSymbols defines the symbols that lowered async iteration and using
// need: esbuild's helpers fall back to exactly these registered symbols, so a
// script's own [Symbol.asyncIterator] methods and the helpers meet.
func (v *VM) defineSymbols() {
	if _, err := v.rt.RunProgram(symbolsProgram); err != nil {
		panic(err)
	}
}

var symbolsProgram = mustCompile(`for (const name of ["asyncIterator", "dispose", "asyncDispose"])
	Object.defineProperty(Symbol, name, { value: Symbol.for("Symbol." + name) });`)
