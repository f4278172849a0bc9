package script

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/call"
	"reprise/stdlib"
)

// DefaultBuildTimeout is how long one build may take, its wait for others
// counted. The largest packages that people bundle take about a second.
const DefaultBuildTimeout = 30 * time.Second

// BuilderOptions configure a Builder. The zero value is the default.
type BuilderOptions struct {
	// Limits are the most that a config may ask for. More is an error of the
	// script. Zero values: the defaults.
	Limits call.Limits
	// Timeout limits one build. Zero: DefaultBuildTimeout.
	Timeout time.Duration
	// Concurrency limits how many builds run at once. Zero: one per core.
	Concurrency int
	// Module returns the text of "reprise:" + name. Nil: stdlib.Module.
	Module func(name string) (text string, ok bool)
	// ModuleNames lists what Module knows. Nil: stdlib.Names.
	ModuleNames func() []string
}

// Builder turns sources into revisions. It is safe for concurrent use and keeps
// nothing between builds.
type Builder struct {
	options BuilderOptions
	slots   chan struct{}
	reading chan struct{} // has room for the files that are open
}

// mostReading is how many files are open at once. esbuild asks for all imports
// of a file at the same time, and a builder process may open 256.
const mostReading = 64

// NewBuilder returns a builder.
func NewBuilder(o BuilderOptions) *Builder {
	o.Limits = o.Limits.OrDefaults()
	if o.Timeout == 0 {
		o.Timeout = DefaultBuildTimeout
	}
	if o.Concurrency == 0 {
		o.Concurrency = goruntime.GOMAXPROCS(0)
	}
	if o.Module == nil {
		o.Module, o.ModuleNames = stdlib.Module, stdlib.Names
	}
	if o.ModuleNames == nil {
		o.ModuleNames = func() []string { return nil }
	}
	return &Builder{options: o, slots: make(chan struct{}, o.Concurrency), reading: make(chan struct{}, mostReading)}
}

// Build makes a revision of a script. What is wrong with the sources is a
// *BuildError; other errors are the context's.
//
// esbuild can not be interrupted. A build that runs out of time is given up on
// and keeps its slot until it ends, so that hostile sources can occupy the
// builder and no more than that.
func (b *Builder) Build(ctx context.Context, p *Project, s Script) (*Revision, error) {
	return b.run(ctx, s, func() *job { return newJob(b, p, s) })
}

// BuildText makes the revision that a script would have if its file held text.
// The files that it imports are read; none is written.
func (b *Builder) BuildText(ctx context.Context, p *Project, s Script, text string) (*Revision, error) {
	return b.run(ctx, s, func() *job {
		j := newJob(b, p, s)
		j.text = &text
		return j
	})
}

// run waits for a slot, and then makes a job and does it.
func (b *Builder) run(ctx context.Context, s Script, begin func() *job) (*Revision, error) {
	ctx, cancel := context.WithTimeout(ctx, b.options.Timeout)
	defer cancel()
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, b.gaveUp(ctx, s, "no build could start within %s: others are still running")
	}
	type result struct {
		rev *Revision
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-b.slots }()
		rev, err := begin().build()
		done <- result{rev, err}
	}()
	select {
	case r := <-done:
		return r.rev, r.err
	case <-ctx.Done():
		return nil, b.gaveUp(ctx, s, "the build took longer than %s and was given up; is the source generated, or nested very deeply?")
	}
}

func (b *Builder) gaveUp(ctx context.Context, s Script, format string) error {
	if ctx.Err() != context.DeadlineExceeded {
		return context.Cause(ctx)
	}
	e := buildError(call.CodeCompile, Problem{Message: fmt.Sprintf(format, b.options.Timeout), Pos: call.Position{File: s.File}})
	e.seen = inputs{s.Path: stampOf(s.Path)}
	e.Inputs = e.seen.paths()
	return e
}

// build does the work: bundle, rewrite, read the config, name the result.
func (j *job) build() (rev *Revision, err error) {
	start, s := time.Now(), j.script
	defer func() {
		if r := recover(); r != nil { // a parser's bug must not end the server
			rev, err = nil, buildError(call.CodeCompile, Problem{Message: fmt.Sprintf("the builder failed: %v", r), Pos: call.Position{File: s.File}})
		}
		e := &BuildError{}
		if errors.As(err, &e) {
			e.seen = j.inputs()
			e.Inputs = e.seen.paths()
		}
	}()
	if len(s.Rivals) > 0 {
		return nil, buildError(call.CodeCompile, Problem{Pos: call.Position{File: s.File}, Message: fmt.Sprintf(
			"%s and %s would both be the script %q; rename or remove one, or start its name with an underscore", s.File, strings.Join(s.Rivals, " and "), s.Name)})
	}
	result := api.Build(j.options())
	if problems := j.problems(result); len(problems) > 0 {
		return nil, buildError(call.CodeCompile, problems...)
	}
	bundle, err := newBundle(s.File, result.OutputFiles)
	if err != nil {
		return nil, err
	}
	bundle.most = j.builder.options.Limits
	rev = &Revision{Script: s.Name, File: s.File, Warnings: j.warnings(result), seen: j.inputs()}
	rev.Inputs = rev.seen.paths()
	if err := bundle.finish(rev); err != nil {
		return nil, err
	}
	if err := j.checkSize(rev); err != nil {
		return nil, err
	}
	rev.BuiltIn = time.Since(start)
	return rev, nil
}

const (
	entryImport = "reprise-script" // what the entry calls the user's script
	entryName   = "reprise:entry"  // what messages call the entry
	bundleName  = "reprise-bundle" // the output's name, which nothing shows
	bannerText  = "(async (__reprise) => {\"use strict\";"
	footerText  = "})"
)

// options are what esbuild is told. The output exports nothing, so that as an
// ES module it is plain code, which may await at its top level and which the
// banner turns into a function. The target is high, and only what goja refuses
// is lowered: native async functions are faster and give readable stacks.
func (j *job) options() api.BuildOptions {
	return api.BuildOptions{
		Stdin: &api.StdinOptions{
			Contents:   "import * as script from \"" + entryImport + "\";\n__reprise.exports(script);\n",
			ResolveDir: j.project.Root,
			Sourcefile: entryName,
		},
		Bundle:        true,
		Format:        api.FormatESModule,
		Platform:      api.PlatformNeutral,
		MainFields:    []string{"module", "main"},
		Conditions:    []string{"reprise", "worker", "browser"}, // what is "default" elsewhere is often for Node
		Target:        api.ES2022,
		Supported:     notInGoja,
		Banner:        map[string]string{"js": bannerText},
		Footer:        map[string]string{"js": footerText},
		Sourcemap:     api.SourceMapExternal,
		AbsWorkingDir: j.project.Root,
		Outfile:       bundleName + ".js",
		TsconfigRaw:   `{"compilerOptions":{"useDefineForClassFields":true}}`, // a user's tsconfig must not change what code means
		Define:        map[string]string{"process.env.NODE_ENV": `"production"`},
		TreeShaking:   api.TreeShakingTrue,
		LegalComments: api.LegalCommentsNone,
		LogLevel:      api.LogLevelSilent,
		LogLimit:      0,
		LogOverride:   map[string]api.LogLevel{dynamicImportID: api.LogLevelWarning},
		Plugins:       []api.Plugin{{Name: pluginName, Setup: j.setup}},
	}
}

// notInGoja is the syntax of ES2022 and later that goja does not have. Regular
// expressions with the flags d and v become constructor calls: those throw
// where they are evaluated, and the rest of a package works.
var notInGoja = map[string]bool{
	"async-generator": false, "for-await": false, "using": false, "dynamic-import": false, "import-meta": false,
	"regexp-match-indices": false, "regexp-set-notation": false, "top-level-await": true,
}
