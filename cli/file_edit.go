package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A connection is added to reprise.yaml as lines of text, so that comments and
// everything else stay as they were written. What comes out is read again: unless
// it means the same plus the connection, nothing is written.

// withConnection is the text of a settings file with a connection added, or
// replaced with force.
func withConnection(path, name string, entry yaml.MapSlice, force bool) ([]byte, error) {
	before, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if _, taken := before.Env[name]; taken {
		return nil, usagef("%s: %s is a value of env already; scripts would have both as env.%s", path, name, name)
	}
	_, exists := before.Connections[name]
	if exists && !force {
		return nil, usagef("%s has a connection %s already; with --force it is replaced, with all its settings", path, name)
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	added, err := yaml.MarshalWithOptions(yaml.MapSlice{{Key: name, Value: entry}}, yaml.Indent(2))
	if err != nil {
		return nil, err
	}
	text := editConnection(string(old), name, string(added))
	var after file
	if err := yaml.UnmarshalWithOptions([]byte(text), &after, yaml.Strict()); err != nil || !adds(before, &after, name, entry) {
		return nil, usagef("%s is written in a way that can not be added to safely; put this below connections yourself, and run reprise types:\n\n%s", path, added)
	}
	return []byte(text), nil
}

// adds says whether two files differ in that connection only, and whether it is
// what it should be.
func adds(before, after *file, name string, entry yaml.MapSlice) bool {
	var want fileConnection
	text, err := yaml.Marshal(entry)
	if err != nil || yaml.Unmarshal(text, &want) != nil || !reflect.DeepEqual(after.Connections[name], want) {
		return false
	}
	b, a := *before, *after
	b.Connections, a.Connections = others(before, name), others(after, name)
	return reflect.DeepEqual(b, a)
}

func others(f *file, name string) map[string]fileConnection {
	out := map[string]fileConnection{}
	for of, c := range f.Connections {
		if of != name {
			out[of] = c
		}
	}
	return out
}

// editConnection puts the lines of a connection at the end of the others, or in
// the place of those it had.
func editConnection(text, name, added string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1] // the last is empty
	at := slices.IndexFunc(lines, func(line string) bool { return isKey(line, "connections") })
	if at < 0 {
		if len(lines) > 0 {
			text += "\n"
		}
		return text + "connections:\n" + indent(added, "  ")
	}
	end := blockEnd(lines, at, 0)
	margin := "  "
	for _, line := range lines[at+1 : end] {
		if !isBlank(line) {
			margin = line[:depth(line)]
			break
		}
	}
	first, last := end, end
	for i := at + 1; i < end; i++ {
		if depth(lines[i]) == len(margin) && isKey(lines[i][len(margin):], name) {
			first, last = i, blockEnd(lines, i, len(margin))
			break
		}
	}
	return strings.Join(slices.Concat(lines[:first], []string{indent(added, margin)}, lines[last:]), "")
}

// isKey says whether a line begins with that key, quoted or not.
func isKey(line, key string) bool {
	for _, spelt := range []string{key, `"` + key + `"`, "'" + key + "'"} {
		if rest, ok := strings.CutPrefix(line, spelt); ok && strings.HasPrefix(strings.TrimLeft(rest, " "), ":") {
			return true
		}
	}
	return false
}

// blockEnd is the line after the last one that belongs to the key in line at:
// those that are indented more. Blank lines and comments after it belong to what
// follows.
func blockEnd(lines []string, at, margin int) int {
	end := at + 1
	for i := at + 1; i < len(lines); i++ {
		switch {
		case isBlank(lines[i]) && depth(lines[i]) <= margin:
		case depth(lines[i]) <= margin:
			return end
		default:
			end = i + 1
		}
	}
	return end
}

// isBlank says whether a line has nothing, or a comment.
func isBlank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

func depth(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func indent(text, margin string) string {
	return margin + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+margin) + "\n"
}

// replaceFile puts a new file in the place of one, so that a server that watches
// it sees the one or the other.
func replaceFile(path string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(text).WriteTo(tmp)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
