// What esbuild asks us while it bundles: where an import leads, and what is in
// a file. Resolving files and packages is left to esbuild; every file it then
// wants is read here, so that this is the one place that decides what a build
// may see.

package script

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/call"
)

const (
	pluginName      = "reprise"
	moduleNamespace = "reprise"
)

// job is one build.
type job struct {
	builder *Builder
	project *Project
	script  Script
	text    *string // what the script's file is taken to hold; nil: what it holds
	start   time.Time
	told    func(path string, st stamp) // of each file that is read; may be nil

	mu    sync.Mutex        // esbuild calls us from many goroutines
	files map[string]string // guarded by mu: real path to content
	seen  map[string]stamp  // guarded by mu: files and folders as they were when they were read
	size  int64             // guarded by mu
}

func newJob(b *Builder, p *Project, s Script) *job {
	return &job{builder: b, project: p, script: s, files: map[string]string{}, seen: map[string]stamp{s.Path: stampOf(s.Path)}, start: time.Now()}
}

// inputs are the files read so far, the script itself, which may be a link, and
// the folders in which what was not found would have to be; each as it was.
func (j *job) inputs() inputs {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.seen)
}

func (j *job) setup(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: "^" + entryImport + "$"}, j.resolveEntry)
	b.OnResolve(api.OnResolveOptions{Filter: "^reprise:"}, j.resolveModule)
	b.OnResolve(api.OnResolveOptions{Filter: "^(https?:)?//|^(data|file|blob):"}, j.resolveURL)
	b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: moduleNamespace}, j.loadModule)
	b.OnLoad(api.OnLoadOptions{Filter: ".*"}, j.loadFile)
}

func (j *job) resolveEntry(a api.OnResolveArgs) (api.OnResolveResult, error) {
	if !strings.HasSuffix(a.Importer, entryName) { // a package of that name, in a source
		return api.OnResolveResult{}, nil
	}
	real, err := filepath.EvalSymlinks(j.script.Path)
	if err != nil {
		return api.OnResolveResult{}, fmt.Errorf("%s can not be read: %w", j.script.File, err)
	}
	return api.OnResolveResult{Path: real, Namespace: "file"}, nil
}

func (j *job) resolveModule(a api.OnResolveArgs) (api.OnResolveResult, error) {
	name := strings.TrimPrefix(a.Path, "reprise:")
	if _, ok := j.builder.options.Module(name); ok {
		return api.OnResolveResult{Path: name, Namespace: moduleNamespace, SideEffects: api.SideEffectsFalse}, nil
	}
	return api.OnResolveResult{}, unknownModule(name, j.builder.options.ModuleNames())
}

func unknownModule(name string, known []string) error {
	text := fmt.Sprintf("there is no module \"reprise:%s\"", name)
	if near := call.Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean \"reprise:%s\"?", near)
	}
	if len(known) > 0 {
		text += " There are reprise:" + strings.Join(known, ", reprise:")
	}
	return fmt.Errorf("%s", text)
}

func (j *job) resolveURL(a api.OnResolveArgs) (api.OnResolveResult, error) {
	return api.OnResolveResult{}, fmt.Errorf("%q is a URL, and scripts import files and packages only; npm install the package, or save the file in the project", shorten(a.Path))
}

func outsideText(path string) string {
	return shorten(path) + " is outside of the project; a script may import files of its project and packages of its node_modules"
}

func shorten(s string) string {
	const longest = 80
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}

func (j *job) loadModule(a api.OnLoadArgs) (api.OnLoadResult, error) {
	text, ok := j.builder.options.Module(a.Path)
	if !ok {
		return api.OnLoadResult{}, unknownModule(a.Path, j.builder.options.ModuleNames())
	}
	return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, nil
}

// loadFile reads a file for esbuild, if it may be read, is a source and does
// not hurt parsers.
func (j *job) loadFile(a api.OnLoadArgs) (api.OnLoadResult, error) {
	real, err := filepath.EvalSymlinks(a.Path)
	if err != nil {
		return api.OnLoadResult{}, fmt.Errorf("%s can not be read: %w", j.project.display(a.Path), err)
	}
	if !j.project.allowed(real) {
		return api.OnLoadResult{}, errors.New(outsideText(real))
	}
	loader, err := loaderFor(a)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	text, err := j.read(real)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	if loader != api.LoaderText {
		if message, offset, bad := precheck(text); bad {
			return api.OnLoadResult{Errors: []api.Message{{Text: message, Location: location(j.project.display(real), text, offset)}}}, nil
		}
		text = mapComments.Replace(text)
	}
	return api.OnLoadResult{Contents: &text, Loader: loader, ResolveDir: filepath.Dir(a.Path)}, nil
}

// mapComments keeps esbuild from following a source's own source map, whose
// path, and the paths in it, may name any file of the machine. A string that
// holds such a comment keeps its value.
var mapComments = strings.NewReplacer(
	"//# sourceMappingURL=", `//# sourceMappingURL\x3d`, "//@ sourceMappingURL=", `//@ sourceMappingURL\x3d`,
	"/*# sourceMappingURL=", `/*# sourceMappingURL\x3d`, "/*@ sourceMappingURL=", `/*@ sourceMappingURL\x3d`,
)

func location(file, text string, offset int) *api.Location {
	offset = min(offset, max(0, len(text)-1))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	return &api.Location{File: file, Line: strings.Count(text[:start], "\n") + 1, Column: offset - start, LineText: line}
}

// read returns a file's text and counts it.
func (j *job) read(path string) (string, error) {
	if j.text != nil && path == j.file() {
		return *j.text, j.count(path, *j.text, stampOf(path))
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s can not be read: %w", j.project.display(path), err)
	}
	if !info.Mode().IsRegular() { // a pipe would wait for ever
		return "", fmt.Errorf("%s is not a file", j.project.display(path))
	}
	j.builder.reading <- struct{}{}
	defer func() { <-j.builder.reading }()
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s can not be read: %w", j.project.display(path), err)
	}
	defer f.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(f, j.builder.options.Limits.Source+1)); err != nil {
		return "", fmt.Errorf("%s can not be read: %w", j.project.display(path), err)
	}
	return b.String(), j.count(path, b.String(), stampFrom(info))
}

// file is the real path of the script's own file.
func (j *job) file() string {
	real, err := filepath.EvalSymlinks(j.script.Path)
	if err != nil { // then nothing was found there to be replaced
		return ""
	}
	return real
}

// count notes a file's text, and refuses what is too much.
func (j *job) count(path, text string, st stamp) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.files[path], j.seen[path] = text, st
	if j.told != nil {
		j.told(path, st)
	}
	if most := j.builder.options.Limits.Source; j.size+int64(len(text)) > most {
		return fmt.Errorf("with %s the sources of this script are larger than %s; import less, or keep data out of the code", j.project.display(path), call.FormatSize(most))
	}
	j.size += int64(len(text))
	return nil
}

// checkSize holds a revision to the limit that is its own, which is known once
// its config has been read.
func (j *job) checkSize(rev *Revision) error {
	most := rev.Config.Limits.Under(j.builder.options.Limits).Source
	if j.size <= most {
		return nil
	}
	p := Problem{Pos: call.Position{File: rev.File}, Message: fmt.Sprintf(
		"the sources of this script have %d bytes with all that it imports, and it may have %s; import less, keep data out of the code, or ask for more with config.limits.source", j.size, call.FormatSize(most))}
	if rev.Config.Limits.Source != 0 {
		p.Pos = rev.Position("limits", "source")
	}
	return buildError(call.CodeCompile, p)
}

var loaders = map[string]api.Loader{
	".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS, ".jsx": api.LoaderJSX,
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX, ".json": api.LoaderJSON,
}

var textExtensions = []string{
	".txt", ".md", ".sql", ".graphql", ".gql", ".html", ".htm", ".css", ".csv", ".tsv", ".xml", ".svg", ".yaml", ".yml", ".toml",
	".hbs", ".mustache", ".ejs", ".liquid", ".tmpl", ".jq", ".jsonl", ".ndjson", ".xsl", ".xslt", ".wsdl", ".proto", ".pem",
}

func loaderFor(a api.OnLoadArgs) (api.Loader, error) {
	ext := strings.ToLower(filepath.Ext(a.Path))
	switch kind := a.With["type"]; kind {
	case "":
	case "text":
		return api.LoaderText, nil
	case "json":
		return api.LoaderJSON, nil
	default:
		return api.LoaderNone, fmt.Errorf("an import can not have the type %q; \"json\" and \"text\" are possible", kind)
	}
	if l, ok := loaders[ext]; ok {
		return l, nil
	}
	if slices.Contains(textExtensions, ext) {
		return api.LoaderText, nil
	}
	if ext == "" && strings.Contains(a.Path, "node_modules") { // command files of packages
		return api.LoaderJS, nil
	}
	return api.LoaderNone, fmt.Errorf("%s can not be imported: scripts import JavaScript, TypeScript, JSON and text; for text with another ending write import … with { type: \"text\" }", filepath.Base(a.Path))
}
