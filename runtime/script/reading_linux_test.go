package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFewFilesAreOpenAtOnce(t *testing.T) {
	// A bundler asks for all imports of a file at once, and a builder process may
	// not open them all. The first one that is read waits until nobody else opens
	// one.
	dir := t.TempDir()
	var imports strings.Builder
	for i := range 200 {
		name := fmt.Sprintf("_p%d.ts", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("export default 1;"), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&imports, "import './%s';\n", name)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.ts"), []byte(imports.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.Root, "a.ts")
	b := NewBuilder(BuilderOptions{})
	j := newJob(b, p, Script{Name: "a", File: "a.ts", Path: path})
	var once sync.Once
	open := 0
	j.told = func(read string, _ stamp) { // whoever calls it keeps the others from being done
		if read != path {
			once.Do(func() {
				for wait := time.Now(); len(b.reading) < mostReading && time.Since(wait) < 5*time.Second; {
					<-time.After(time.Millisecond)
				}
				open = openIn(t, p.Root)
			})
		}
	}
	if _, err := j.build(); err != nil {
		t.Fatal(err)
	}
	if open == 0 || open > mostReading {
		t.Errorf("%d files were open", open)
	}
}

// openIn counts the files below a folder that this process has open.
func openIn(t *testing.T, root string) (n int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, root+"/") {
			n++
		}
	}
	return n
}
