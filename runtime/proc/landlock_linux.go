package proc

import (
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// landlock closes all files but those that may be read, and returns the version
// of the rules, or 0 if there are none. Reading is not executing, and what may
// be known without opening a file stays known: that it exists, its size, where
// a symbolic link leads.
func (r *Report) landlock(keep Rights) int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil || version < 1 {
		r.Missing = append(r.Missing, "landlock: this kernel does not have it, or it was not enabled when it started")
		return 0
	}
	var rules []landlock.Rule
	for _, path := range keep.ReadOnly {
		rights := landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSReadDir)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			rights = ll.AccessFSReadFile
		}
		rules = append(rules, landlock.PathAccess(rights, path))
	}
	for _, path := range keep.ListOnly {
		rules = append(rules, landlock.PathAccess(ll.AccessFSReadDir, path))
	}
	// The newest rules that we know, as far as this kernel knows them.
	if !r.try("landlock", landlock.V11.BestEffort().Restrict(rules...)) {
		return 0
	}
	return version
}
