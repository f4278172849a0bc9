// What a builder process may see of the disk: the project, the packages that
// belong to it, and of the folders between them the names, among which the
// bundler looks for packages.

package script

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"reprise/runtime/proc"
)

// sight is what a builder process may read. The kernel remembers files and not
// paths, so that a folder that is made anew, as by a clean installation of
// packages, is another one.
type sight struct {
	rights proc.Rights
	infos  []fs.FileInfo // of rights.ReadOnly and then rights.ListOnly
}

// sight returns what a build of the project may read, as it is now.
func (p *Project) sight() sight {
	var s sight
	for _, root := range p.roots {
		s.add(&s.rights.ReadOnly, root)
	}
	for _, base := range p.bases[1:] { // the first one is the project
		s.add(&s.rights.ReadOnly, filepath.Join(base, "node_modules"))
		s.add(&s.rights.ReadOnly, filepath.Join(base, "package.json"))
	}
	for _, real := range p.linkedPackages() {
		s.add(&s.rights.ReadOnly, real)
	}
	for _, base := range p.bases[1:] {
		s.add(&s.rights.ListOnly, base)
	}
	return s
}

// add adds a path, if something is there. Calls for ReadOnly come first.
func (s *sight) add(list *[]string, path string) {
	if info, err := os.Stat(path); err == nil && !slices.Contains(*list, path) {
		*list, s.infos = append(*list, path), append(s.infos, info)
	}
}

// same reports whether who sees this sees all of that, and no more.
func (s sight) same(o sight) bool {
	return slices.Equal(s.rights.ReadOnly, o.rights.ReadOnly) && slices.Equal(s.rights.ListOnly, o.rights.ListOnly) &&
		slices.EqualFunc(s.infos, o.infos, os.SameFile)
}

// linkedPackages are the real folders of the packages that node_modules folders
// link to, as package managers do for the members of a workspace, as far as they
// are outside of the project.
func (p *Project) linkedPackages() []string {
	if len(p.bases) == 1 { // they would have to be in the project
		return nil
	}
	workspace := p.bases[len(p.bases)-1]
	var out []string
	for _, base := range p.bases {
		for _, link := range linksIn(filepath.Join(base, "node_modules")) {
			real, err := filepath.EvalSymlinks(link)
			if err == nil && isUnder(real, workspace) && !isUnder(real, p.Root) && !isUnder(real, filepath.Join(workspace, "node_modules")) {
				out = append(out, real)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// linksIn returns the symbolic links among the packages of a node_modules
// folder, those with a scope included.
func linksIn(modules string) []string {
	var out []string
	entries, err := os.ReadDir(modules)
	if err != nil { // there is none
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(modules, e.Name())
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			out = append(out, path)
		case e.IsDir() && e.Name()[0] == '@':
			out = append(out, linksIn(path)...)
		}
	}
	return out
}
