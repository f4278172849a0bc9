package script

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Project is the folder that holds scripts, their package.json and reprise.yaml.
type Project struct {
	// Root is the project's folder: absolute, with symbolic links resolved.
	Root string
	// Scripts is the folder the scripts are in: Root/scripts, or Root itself
	// where there is none.
	Scripts string

	roots []string // real folders that files may be read from
	bases []string // folders whose node_modules may be read, nearest first
}

// Script is one script of a project: a file and the name it goes by.
type Script struct {
	// Name is the path below the scripts folder, without extension.
	Name string
	// File is the path below the project, with slashes.
	File string
	// Path is the absolute path.
	Path string
	// Rivals are further files that would have the same name. A script with
	// rivals can not be built.
	Rivals []string
}

// OpenProject opens the project in dir.
func OpenProject(dir string) (*Project, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open project %s: %w", dir, err)
	}
	root, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no project folder %s; make it, or name another", abs)
	}
	if err != nil {
		return nil, fmt.Errorf("open project %s: %w", abs, err)
	}
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("open project %s: %w", abs, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; a project is the folder that holds the scripts", abs)
	}
	p := &Project{Root: root, Scripts: root, roots: []string{root}}
	if dir := filepath.Join(root, "scripts"); isDir(dir) {
		p.Scripts = dir
		if real, err := filepath.EvalSymlinks(dir); err == nil && !isUnder(real, root) {
			p.roots = append(p.roots, real) // the owner linked it here: it is the project's
		}
	}
	p.bases = packageFolders(root)
	return p, nil
}

// packageFolders returns the folders whose node_modules belong to the project:
// the project itself, the nearest one with a package.json, and the root of the
// workspace that this package is part of.
func packageFolders(root string) []string {
	folders := []string{root}
	found := false
	for dir := root; ; dir = filepath.Dir(dir) {
		manifest, err := os.ReadFile(filepath.Join(dir, "package.json"))
		workspace := fileExists(filepath.Join(dir, "pnpm-workspace.yaml")) || declaresWorkspaces(manifest)
		if (err == nil && !found) || workspace {
			folders = append(folders, dir)
		}
		found = found || err == nil
		if workspace || dir == filepath.Dir(dir) {
			return slices.Compact(folders)
		}
	}
}

func declaresWorkspaces(manifest []byte) bool {
	var m struct {
		Workspaces json.RawMessage `json:"workspaces"`
	}
	return json.Unmarshal(manifest, &m) == nil && len(m.Workspaces) > 0
}

// allowed reports whether a build may read path, which must be real: free of
// symbolic links.
func (p *Project) allowed(path string) bool {
	for _, root := range p.roots {
		if isUnder(path, root) {
			return true
		}
	}
	for _, base := range p.bases {
		if isUnder(path, filepath.Join(base, "node_modules")) {
			return true
		}
	}
	return p.inLinkedPackage(path)
}

// near reports whether path is where a build may depend on it: in the project,
// or in a folder whose packages belong to it.
func (p *Project) near(path string) bool {
	return slices.ContainsFunc(slices.Concat(p.roots, p.bases), func(dir string) bool { return isUnder(path, dir) })
}

// inLinkedPackage reports whether path is in a package that a node_modules
// folder links to, as package managers do for the members of a workspace.
func (p *Project) inLinkedPackage(path string) bool {
	workspace := p.bases[len(p.bases)-1]
	if !isUnder(path, workspace) {
		return false
	}
	for _, base := range p.bases {
		modules := filepath.Join(base, "node_modules")
		for _, pattern := range []string{"*", "@*/*"} {
			entries, err := filepath.Glob(filepath.Join(modules, pattern))
			if err != nil { // only a malformed pattern is an error
				return false
			}
			for _, entry := range entries {
				if real, err := filepath.EvalSymlinks(entry); err == nil && isUnder(path, real) {
					return true
				}
			}
		}
	}
	return false
}

// display returns the path that people see: below the project, or from
// node_modules on.
func (p *Project) display(path string) string {
	rel, err := filepath.Rel(p.Root, path)
	if err != nil {
		rel = path
	}
	return cleanSource(filepath.ToSlash(rel))
}

// cleanSource shortens a path outside of the project to its part from
// node_modules on.
func cleanSource(path string) string {
	path = strings.TrimPrefix(path, "./")
	if strings.HasPrefix(path, "../") {
		if _, rest, ok := strings.Cut(path, "/node_modules/"); ok {
			return "node_modules/" + rest
		}
	}
	return path
}

// List finds the project's scripts, sorted by name. Links to folders are
// followed as long as they stay where the project may read.
func (p *Project) List() ([]Script, error) {
	scripts, _, err := p.list(nil)
	return scripts, err
}

// list returns the scripts and the folders that were looked into, which do not
// include the ignored ones.
func (p *Project) list(ignore []string) (scripts []Script, folders []string, err error) {
	byName := map[string]*Script{}
	w := walker{project: p, ignore: ignore, visit: func(path string) {
		s, ok := p.scriptAt(path)
		if !ok {
			return
		}
		if first := byName[s.Name]; first != nil {
			first.Rivals = append(first.Rivals, s.File)
			return
		}
		byName[s.Name] = &s
	}}
	if err := w.walk(p.Scripts, nil); err != nil {
		return nil, nil, fmt.Errorf("list the scripts in %s: %w", p.Scripts, err)
	}
	for _, s := range byName {
		scripts = append(scripts, *s)
	}
	slices.SortFunc(scripts, func(a, b Script) int { return cmp.Compare(a.Name, b.Name) })
	return scripts, w.folders, nil
}

// scriptAt returns the script that the file at path is, by its name alone.
func (p *Project) scriptAt(path string) (Script, bool) {
	rel, err := filepath.Rel(p.Scripts, path)
	if err != nil || !isScriptFile(filepath.Base(path)) {
		return Script{}, false
	}
	rel = filepath.ToSlash(rel)
	return Script{Name: strings.TrimSuffix(rel, filepath.Ext(rel)), File: p.display(path), Path: path}, true
}

// walker visits the files below a folder that scripts may be in.
type walker struct {
	project *Project
	ignore  []string
	visit   func(path string)
	folders []string // those visited
}

// walk visits dir. chain holds the real paths of the folders above it, so that
// a link to one of them ends there.
func (w *walker) walk(dir string, chain []string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || slices.Contains(chain, real) || slices.Contains(w.ignore, dir) || !w.project.allowed(real) {
		return ignoreMissing(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err)
	}
	w.folders = append(w.folders, dir)
	chain = append(slices.Clip(chain), real)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isDir(path) {
			if isScriptFolder(e.Name()) {
				if err := w.walk(path, chain); err != nil {
					return err
				}
			}
			continue
		}
		w.visit(path)
	}
	return nil
}

// ignoreMissing drops the error of a file that went away while we looked.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

var scriptExtensions = []string{".js", ".ts", ".mjs", ".mts"}

// isScriptFile reports whether a file of this name is a script. Names with a
// leading underscore and tests can be imported and are none.
func isScriptFile(base string) bool {
	if strings.HasPrefix(base, "_") || isTemporary(base) || strings.Contains(base, ".test.") ||
		strings.HasSuffix(base, ".d.ts") || strings.HasSuffix(base, ".d.mts") {
		return false
	}
	ext := filepath.Ext(base)
	return slices.Contains(scriptExtensions, ext) && len(base) > len(ext)
}

func isScriptFolder(base string) bool {
	return base != "node_modules" && !strings.HasPrefix(base, "_") && !strings.HasPrefix(base, ".")
}

// isTemporary reports whether a file of this name is one that editors make
// while saving. Hidden files count: none of them is ever a source.
func isTemporary(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "#") || strings.HasPrefix(base, "___") ||
		strings.HasSuffix(base, "~") || strings.HasSuffix(base, ".tmp") || strings.HasSuffix(base, ".swp") ||
		strings.HasSuffix(base, ".swx") || strings.HasSuffix(base, ".crswap") || base == "4913"
}

func isUnder(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator))
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
