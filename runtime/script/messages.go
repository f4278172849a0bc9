// What esbuild says, in our words: positions in the user's files, code frames,
// and advice where esbuild's own is meant for other tools.

package script

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/call"
)

// The identities of messages that esbuild words for other tools.
const (
	dynamicImportID = "unsupported-dynamic-import"
	emptyMetaID     = "empty-import-meta"
)

const dynamicImportText = "import() needs a literal path here: what is imported must be known when the script is built"

// unreadable begins what esbuild says of a folder that it can not look into, in
// addition to what it did not find there.
const unreadable = "Cannot read directory "

// problems are the errors of a build, and those warnings that are errors to us.
func (j *job) problems(result api.BuildResult) []Problem {
	var out []Problem
	for _, m := range result.Errors {
		if len(result.Errors) == 1 || !strings.HasPrefix(m.Text, unreadable) {
			out = append(out, j.problem(m))
		}
	}
	for _, m := range result.Warnings {
		if m.ID == dynamicImportID && isOwn(m.Location) {
			m.Text = dynamicImportText
			out = append(out, j.problem(m))
		}
	}
	return out
}

// warnings are the rest, of the project's own files.
func (j *job) warnings(result api.BuildResult) []Problem {
	var out []Problem
	for _, m := range result.Warnings {
		if isOwn(m.Location) {
			out = append(out, j.problem(m))
		}
	}
	return shown(out)
}

// isOwn tells the project's files from those of packages.
func isOwn(l *api.Location) bool {
	return l != nil && !strings.Contains("/"+l.File, "/node_modules/")
}

func (j *job) problem(m api.Message) Problem {
	p := Problem{Message: m.Text}
	if m.ID == emptyMetaID {
		p.Message = "import.meta is empty in scripts: a bundle has no URL of its own"
	}
	for _, n := range m.Notes {
		if !strings.HasPrefix(n.Text, "The plugin ") { // how esbuild came to ask us is no news to the user
			p.Notes = append(p.Notes, j.note(n))
		}
	}
	if path, ok := strings.CutPrefix(m.Text, "Could not resolve \""); ok {
		path = strings.TrimSuffix(path, "\"")
		p.Message, p.Notes = unresolved(path), nil
		if real, ok := j.outside(path, m.Location); ok {
			p.Message = outsideText(real)
		}
		j.want(path, m.Location)
	}
	if l := m.Location; l != nil && l.File != entryName {
		p.Pos = call.Position{File: cleanSource(filepath.ToSlash(l.File)), Line: l.Line, Column: unitColumn(l.LineText, l.Column) + 1}
		p.Frame = codeFrame(j.source(l), p.Pos, l.Length)
	} else {
		p.Pos = call.Position{File: j.script.File}
	}
	return p
}

func (j *job) note(n api.Note) string {
	if n.Location == nil {
		return n.Text
	}
	pos := call.Position{File: cleanSource(filepath.ToSlash(n.Location.File)), Line: n.Location.Line, Column: unitColumn(n.Location.LineText, n.Location.Column) + 1}
	return pos.String() + ": " + n.Text
}

// source is the text that a message is about: the whole file where we know it,
// else lines of nothing around the one that esbuild quotes.
func (j *job) source(l *api.Location) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if text, ok := j.files[filepath.Join(j.project.Root, filepath.FromSlash(l.File))]; ok {
		return text
	}
	return strings.Repeat("\n", max(0, l.Line-1)) + l.LineText
}

// unresolved says what to do about an import that leads nowhere.
func unresolved(path string) string {
	switch message, builtin := builtinAdvice(path); {
	case builtin:
		return message
	case strings.HasPrefix(path, "."), strings.HasPrefix(path, "/"):
		return fmt.Sprintf("there is no file %q to import", path)
	case strings.HasPrefix(path, "#"):
		return fmt.Sprintf("the imports of package.json have no %q", path)
	}
	name := packageName(path)
	if name == path {
		return fmt.Sprintf("the package %q is not installed; run npm install %s", name, name)
	}
	return fmt.Sprintf("there is no %q: either the package %q is not installed (npm install %s) or it does not export that path", path, name, name)
}

// want notes where an import that leads nowhere would have to lead: when a file
// appears in one of these folders, another build may succeed.
func (j *job) want(path string, l *api.Location) {
	var folders []string
	if strings.HasPrefix(path, ".") && l != nil {
		target := j.target(path, l)
		folders = append(folders, existing(filepath.Dir(target)))
		if isDir(target) {
			folders = append(folders, target)
		}
	} else if scope, _, scoped := strings.Cut(path, "/"); !strings.HasPrefix(path, "/") {
		for _, base := range j.project.bases {
			folder := filepath.Join(base, "node_modules")
			if scoped && strings.HasPrefix(scope, "@") {
				folder = filepath.Join(folder, scope)
			}
			folders = append(folders, existing(folder))
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, folder := range folders {
		if !j.project.near(folder) { // nothing that appears there may be imported
			continue
		}
		st := stampOf(folder)
		if !st.modified.Before(j.start) {
			st.modified = time.Time{} // it changed while we built: that is for the next build to see
		}
		j.seen[folder] = st
	}
}

// target is where an import of a path leads.
func (j *job) target(path string, l *api.Location) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(j.project.Root, filepath.Dir(filepath.FromSlash(l.File)), path)
}

// endings are what an import may leave out, as esbuild has them.
var endings = []string{"", ".tsx", ".ts", ".jsx", ".js", ".css", ".json", "/index.tsx", "/index.ts", "/index.jsx", "/index.js", "/index.json"}

// outside returns the file that an import leads to, if there is one and it may
// not be read. A builder process can not look into folders outside of the
// project, so that for esbuild nothing is there.
func (j *job) outside(path string, l *api.Location) (string, bool) {
	if l == nil || !strings.HasPrefix(path, ".") && !filepath.IsAbs(path) {
		return "", false
	}
	for _, ending := range endings {
		real, err := filepath.EvalSymlinks(j.target(path, l) + filepath.FromSlash(ending))
		if err == nil && !isDir(real) {
			return real, !j.project.allowed(real)
		}
	}
	return "", false
}

// existing returns the nearest folder that is there.
func existing(folder string) string {
	for !isDir(folder) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
	}
	return folder
}

// packageName is the part of an import path that npm knows.
func packageName(path string) string {
	parts := strings.SplitN(path, "/", 3)
	if strings.HasPrefix(path, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}
