package vm

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"reprise/runtime/call"
)

// bundleName is what goja calls the bundle. It has no slash, so that the
// project-relative sources of the map stay as they are.
const bundleName = "bundle"

// Program is a compiled revision. It is immutable and shared by all its VMs.
type Program struct {
	program  *goja.Program
	source   string // shared with program
	mentions mentions
	guards   struct {
		once sync.Once
		asked
	}
}

// Compile compiles a revision's bundle: one expression, an async function that
// takes the host object __reprise. sourceMap may be empty. A syntax error is
// returned as a COMPILE_ERROR.
func Compile(code, sourceMap []byte) (*Program, error) {
	opt := parser.WithDisableSourceMaps
	src := string(code)
	if len(sourceMap) > 0 {
		// The loader serves our own map and nothing else: goja's default one
		// opens whatever file a script names.
		opt = parser.WithSourceMapLoader(func(string) ([]byte, error) { return sourceMap, nil })
		src += "\n//# sourceMappingURL=" + bundleName + ".map"
	}
	ast, err := goja.Parse(bundleName, src, opt)
	if err != nil {
		return nil, call.Errorf(call.CodeCompile, "the bundle does not parse: %s", strings.TrimSpace(err.Error()))
	}
	p, err := goja.CompileAST(ast, false)
	if err != nil {
		return nil, call.Errorf(call.CodeCompile, "the bundle does not compile: %s", strings.TrimSpace(err.Error()))
	}
	return &Program{program: p, source: src}, nil
}

// mustCompile compiles a constant program of our own.
func mustCompile(src string) *goja.Program {
	ast, err := goja.Parse("reprise:vm", src, parser.WithDisableSourceMaps)
	if err != nil {
		panic(fmt.Sprintf("vm: own program does not parse: %v", err))
	}
	p, err := goja.CompileAST(ast, true)
	if err != nil {
		panic(fmt.Sprintf("vm: own program does not compile: %v", err))
	}
	return p
}
