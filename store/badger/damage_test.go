package badger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// directory is the contents of a directory, without the zeros behind which a file
// was made larger than what is in it.
type directory map[string]content

type content struct {
	data []byte
	size int64
}

func readDirectory(t *testing.T, dir string) directory {
	t.Helper()
	d := directory{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d[e.Name()] = content{bytes.Clone(bytes.TrimRight(data, "\x00")), int64(len(data))}
	}
	return d
}

func (d directory) writeTo(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, c := range d {
		if c.size < 0 {
			continue // it is gone
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, c.size); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// only returns the name of the one file with this ending.
func (d directory) only(t *testing.T, ending string) string {
	t.Helper()
	found := ""
	for name := range d {
		if strings.HasSuffix(name, ending) {
			if found != "" {
				t.Fatalf("there are %s and %s", found, name)
			}
			found = name
		}
	}
	if found == "" {
		t.Fatalf("there is no %s", ending)
	}
	return found
}

// change returns a copy in which one file is another.
func (d directory) change(name string, edit func(c content) content) directory {
	d = maps.Clone(d)
	c := d[name]
	c.data = bytes.Clone(c.data)
	d[name] = edit(c)
	return d
}

// record is what commit i of the tests here writes, as a record and as a row.
// Some are for the value log.
func record(i int) []byte {
	text := fmt.Appendf(nil, "record %d;", i)
	if i%5 == 0 {
		return bytes.Repeat(text, 7000)
	}
	return bytes.Repeat(text, 10)
}

func writeCommits(t *testing.T, s *Store, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		_, err := s.Commit(t.Context(), store.Commit{
			Run: "r", ExpectSeq: uint64(i), Appends: [][]byte{record(i)},
			Rows: []store.RowOp{{Table: "t", Key: fmt.Sprintf("%06d", i), Value: record(i)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantWritten looks for the first n commits and no more, and for a store that
// works.
func wantWritten(t *testing.T, dir string, n int) {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	records, err := s.Journal(t.Context(), "r", 0)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows(t.Context(), "t", store.Range{Limit: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != n || len(rows) != n {
		t.Fatalf("%d records and %d rows, want %d", len(records), len(rows), n)
	}
	for i := range n {
		if !bytes.Equal(records[i], record(i)) || !bytes.Equal(rows[i].Value, record(i)) {
			t.Fatalf("commit %d has other bytes than were written", i)
		}
	}
	writeCommits(t, s, n, n+2)
}

// image is what a store leaves behind, killed or closed after some commits.
type image struct {
	directory
	commits int
}

// images returns what is left by a kill after 40, 41 and 42 commits, of which
// the 41st is a big one and the 42nd small; and by closing after 42.
func images(t *testing.T) (killed40, killed41, killed42, closed image) {
	t.Helper()
	dir := t.TempDir()
	// Small files, as they are read often.
	s, err := Open(Options{Dir: dir, MemTable: 1 << 20, tune: func(o *bdg.Options) { o.ValueLogFileSize = 2 << 20 }})
	if err != nil {
		t.Fatal(err)
	}
	take := func(n int) image { return image{readDirectory(t, dir), n} }
	writeCommits(t, s, 0, 40)
	killed40 = take(40)
	writeCommits(t, s, 40, 41)
	killed41 = take(41)
	writeCommits(t, s, 41, 42)
	killed42 = take(42)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return killed40, killed41, killed42, take(42)
}

// What is done to a file.
func cutAt(n int) func(content) content {
	return func(c content) content {
		c.data = c.data[:n]
		c.size = int64(n)
		return c
	}
}

func cutHalf(c content) content { return cutAt(len(c.data) / 2)(c) }

func cutEnd(c content) content { return cutAt(len(c.data) - 3)(c) }

func empty(c content) content { return cutAt(0)(c) }

func flipAt(n int) func(content) content {
	return func(c content) content {
		c.data[n] ^= 0x55
		return c
	}
}

func flipHalf(c content) content { return flipAt(len(c.data) / 2)(c) }

// zeroFrom is what a power cut does to bytes that were on their way.
func zeroFrom(n, to int) func(content) content {
	return func(c content) content {
		clear(c.data[n:min(to, len(c.data))])
		return c
	}
}

func zeroHalf(c content) content {
	n := len(c.data) / 2
	return zeroFrom(n, n+4096)(c)
}

func appendGarbage(c content) content {
	c.data = append(c.data, "garbage, and more garbage"...)
	c.size = max(c.size, int64(len(c.data)))
	return c
}

// gone removes the file.
func gone(content) content { return content{size: -1} }

// What a crash can do to the last transaction, which nobody was told of, is
// recovered from without a word: all that was acknowledged is there, and nothing
// of the rest.
func TestTornEnds(t *testing.T) {
	killed40, killed41, killed42, _ := images(t)
	mem, values := killed40.only(t, ".mem"), killed40.only(t, ".vlog")
	end40, end41, end42 := len(killed40.directory[mem].data), len(killed41.directory[mem].data), len(killed42.directory[mem].data)
	value40, value41 := len(killed40.directory[values].data), len(killed41.directory[values].data)
	for name, tt := range map[string]struct {
		torn directory
		want int
	}{
		"untouched":                      {killed42.directory, 42},
		"garbage behind the memtable":    {killed42.change(mem, appendGarbage), 42},
		"garbage behind the values":      {killed42.change(values, appendGarbage), 42},
		"the last transaction cut short": {killed42.change(mem, zeroFrom((end41+end42)/2, end42)), 41},
		"without its last byte":          {killed42.change(mem, zeroFrom(end42-1, end42)), 41},
		"only its first bytes":           {killed42.change(mem, zeroFrom(end41+3, end42)), 41},
		"a hole at its beginning":        {killed42.change(mem, zeroFrom(end41, end41+20)), 41},
		"a hole inside":                  {killed42.change(mem, zeroFrom((end41+end42)/2, (end41+end42)/2+8)), 41},
		"another byte inside":            {killed42.change(mem, flipAt(end42-30)), 41},
		"not a byte of it":               {killed42.change(mem, zeroFrom(end41, end42)), 41},
		"a value cut short":              {killed41.change(values, zeroFrom((value40+value41)/2, value41)).change(mem, zeroFrom(end40+9, end41)), 40},
		"a value with a hole":            {killed41.change(values, zeroFrom(value40+9, value40+4096)).change(mem, zeroFrom(end40, end41)), 40},
		"an empty next memtable":         {killed42.change("00002.mem", empty), 42},
		"an empty next value file":       {killed42.change("000002.vlog", empty), 42},
		"no format":                      {killed42.change("FORMAT", gone), 42},
		"no process's lock":              {killed42.change("LOCK", gone), 42},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits for the disk
			wantWritten(t, tt.torn.writeTo(t), tt.want)
		})
	}
}

// What no crash does is refused, in a sentence that names the file; and nothing
// is changed that somebody might want to repair.
func TestDamagedFiles(t *testing.T) {
	killed40, killed41, killed42, closed := images(t)
	mem, values, table := killed42.only(t, ".mem"), killed42.only(t, ".vlog"), closed.only(t, ".sst")
	end40 := len(killed40.directory[mem].data)
	value40 := len(killed40.directory[values].data)
	for _, tt := range []struct {
		name string
		image
		file string
		edit func(content) content
	}{
		{"a byte in the middle of the memtable", killed42, mem, flipHalf},
		{"a byte in its first record", killed42, mem, flipAt(60)},
		{"a byte just before the last transaction", killed42, mem, flipAt(end40 + 30)},
		{"a page of it lost", killed42, mem, zeroHalf},
		{"half of it lost", killed42, mem, cutHalf},
		{"its end lost", killed42, mem, cutEnd},
		{"a byte in the middle of the values", killed42, values, flipHalf},
		{"a byte of the last value", killed41, values, flipAt(value40 + 1000)},
		{"a page of them lost", killed42, values, zeroHalf},
		{"half of them lost", killed42, values, cutHalf},
		{"their end lost", killed42, values, cutEnd},
		{"all of them lost", killed42, values, gone},
		{"all of them empty", killed42, values, empty},
		{"the manifest cut", killed42, "MANIFEST", cutHalf},
		{"the manifest changed", killed42, "MANIFEST", flipHalf},
		{"closed: half the manifest lost", closed, "MANIFEST", cutHalf},
		{"closed: the manifest's end lost", closed, "MANIFEST", cutEnd},
		{"closed: the manifest changed", closed, "MANIFEST", flipHalf},
		{"closed: the manifest lost", closed, "MANIFEST", gone},
		{"closed: half a table lost", closed, table, cutHalf},
		{"closed: a table's end lost", closed, table, cutEnd},
		{"closed: a table's index changed", closed, table, func(c content) content { return flipAt(len(c.data) - 40)(c) }},
		{"closed: a table with garbage", closed, table, appendGarbage},
		{"closed: a table lost", closed, table, gone},
		{"closed: a table empty", closed, table, empty},
		{"closed: a value changed", closed, values, flipHalf},
		{"closed: half the values lost", closed, values, cutHalf},
		{"closed: all values lost", closed, values, gone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRefused(t, tt.change(tt.file, tt.edit), tt.file)
			if tt.commits == closed.commits && tt.image.directory["CLOSED"].size > 0 && tt.file == table {
				// The same without the list of files that closing wrote.
				wantRefused(t, tt.change(tt.file, tt.edit).change("CLOSED", gone), tt.file)
			}
		})
	}
	wantRefused(t, closed.change("CLOSED", gone).change("MANIFEST", gone), "MANIFEST")
	wantWritten(t, closed.change("CLOSED", gone).writeTo(t), 42)
	wantWritten(t, closed.change("CLOSED", cutHalf).writeTo(t), 42)
	wantWritten(t, closed.writeTo(t), 42)
}

// wantRefused opens d in vain.
func wantRefused(t *testing.T, d directory, file string) {
	t.Helper()
	dir := d.writeTo(t)
	before := readDirectory(t, dir)
	s, err := Open(Options{Dir: dir})
	if err == nil {
		t.Fatal("it was opened", s.Close())
	}
	damage, ok := errors.AsType[*DamagedError](err)
	if !ok || damage.File != file {
		t.Fatalf("error %v, which is not about %s", err, file)
	}
	for _, part := range []string{dir, file, "backup"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a line", err)
	}
	after := readDirectory(t, dir)
	for name, c := range before {
		if now, ok := after[name]; c.size > 0 && (!ok || now.size != c.size || !bytes.Equal(now.data, c.data)) {
			t.Errorf("%s was changed", name)
		}
	}
}

// A directory says what it holds, and in which form.
func TestFormat(t *testing.T) {
	_, _, _, closed := images(t)
	say := func(text string) directory {
		return closed.change("FORMAT", func(content) content { return content{[]byte(text), int64(len(text))} })
	}
	for text, part := range map[string]string{
		"reprise-store 2\n":               "newer version",
		"reprise-store 9999 with words\n": "newer version",
		"reprise-logs 1\n":                "something else",
		"":                                "something else",
		"\x00\xff":                        "something else",
	} {
		dir := say(text).writeTo(t)
		_, err := Open(Options{Dir: dir})
		wrong, ok := errors.AsType[*FormatError](err)
		if !ok || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), dir) || wrong.Newer != (part == "newer version") {
			t.Errorf("FORMAT %q: %v", text, err)
		}
		os.Remove(filepath.Join(dir, "FORMAT")) // as an older version leaves it
		wantWritten(t, dir, 42)
		if now, err := os.ReadFile(filepath.Join(dir, "FORMAT")); err != nil || string(now) != "reprise-store 1\n" {
			t.Errorf("FORMAT is %q, %v", now, err)
		}
	}
	if _, err := OpenLogs(LogOptions{Dir: closed.writeTo(t)}); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("OpenLogs in a store's directory: %v", err)
	}
}
