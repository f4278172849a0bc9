package script

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stamp is what a file looks like from outside. The zero stamp is that of a
// file that is not there.
type stamp struct {
	size     int64
	modified time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stampFrom(info)
}

func stampFrom(info fs.FileInfo) stamp {
	if info.IsDir() { // its time alone: that changes when files come and go
		return stamp{size: -1, modified: info.ModTime()}
	}
	return stamp{size: info.Size(), modified: info.ModTime()}
}

// inputs are what a build depends on, by absolute path, as it saw them: files,
// and after a failure the folders in which something was missing.
type inputs map[string]stamp

func (in inputs) paths() []string { return slices.Sorted(maps.Keys(in)) }

// scan is how the project looked at one moment: its scripts, and every file
// and folder that a build depends on.
type scan struct {
	scripts map[string]Script
	files   map[string]stamp
	folders []string // those that scripts may be in
}

// scan looks. It costs a stat for each file, packages excepted: those change
// when they are installed, which the lock files tell.
func (w *watcher) scan() (*scan, error) {
	p := w.registry.options.Project
	list, folders, err := p.list(w.registry.options.Ignore)
	if err != nil {
		return nil, err
	}
	s := &scan{scripts: map[string]Script{}, files: map[string]stamp{}, folders: folders}
	for _, script := range list {
		s.scripts[script.Name] = script
		s.files[script.Path] = stampOf(script.Path)
	}
	for _, path := range p.manifests() {
		s.files[path] = stampOf(path)
	}
	for _, t := range w.tried {
		for path := range t.inputs {
			if _, done := s.files[path]; !done && !inPackage(path) {
				s.files[path] = stampOf(path)
			}
		}
	}
	return s, nil
}

// inPackage reports whether a file belongs to an installed package.
func inPackage(path string) bool {
	for path != filepath.Dir(path) {
		path = filepath.Dir(path)
		if filepath.Base(path) == "node_modules" {
			return true
		}
	}
	return false
}

// manifests are the files that change when packages do.
func (p *Project) manifests() []string {
	var out []string
	for _, base := range p.bases {
		for _, name := range []string{"package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "npm-shrinkwrap.json"} {
			out = append(out, filepath.Join(base, name))
		}
	}
	return out
}

// affected returns the scripts that have to be built again when these paths
// have changed, and those whose file is gone.
func (w *watcher) affected(changed map[string]stamp, now *scan) (build []Script, gone []string) {
	packages := slices.ContainsFunc(w.registry.options.Project.manifests(), func(m string) bool { _, ok := changed[m]; return ok })
	for _, name := range slices.Sorted(maps.Keys(now.scripts)) {
		s := now.scripts[name]
		t := w.tried[name]
		if t == nil || t.script.Path != s.Path || !slices.Equal(t.script.Rivals, s.Rivals) || packages && t.failed || t.dependsOn(changed, packages) {
			build = append(build, s)
		}
	}
	for name := range w.tried {
		if _, there := now.scripts[name]; !there {
			gone = append(gone, name)
		}
	}
	return build, gone
}

// tried is the newest attempt at a script, as far as it decides when to try
// again.
type tried struct {
	script Script
	inputs inputs
	failed bool
}

func (t *tried) dependsOn(changed map[string]stamp, packages bool) bool {
	for path := range t.inputs {
		if _, ok := changed[path]; ok || packages && inPackage(path) {
			return true
		}
	}
	return false
}

// watched are the folders in which a change may matter.
func (w *watcher) watched(s *scan) map[string]bool {
	p := w.registry.options.Project
	out := map[string]bool{p.Root: true, p.Scripts: true}
	for _, folder := range s.folders {
		out[folder] = true
	}
	for _, base := range p.bases {
		out[base] = true
		out[filepath.Join(base, "node_modules")] = true
	}
	for path, st := range s.files {
		if st.size < 0 {
			out[path] = true
		}
		out[filepath.Dir(path)] = true
	}
	return out
}
