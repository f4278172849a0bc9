// Source maps, as far as a builder needs them: read what esbuild wrote, look
// positions up, move columns where the output was edited, and write the map
// again in the form the engine reads.

package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"reprise/runtime/call"
)

// mapping says that the output from line and column on comes from a place in a
// source. All numbers count from zero; a source of -1 means from nowhere.
type mapping struct {
	line, column               int32
	source, srcLine, srcColumn int32
	name                       int32
}

// sourceMap is a decoded map. Mappings are in the order of the output.
type sourceMap struct {
	sources  []string
	contents []string
	names    []string
	mappings []mapping
}

type sourceMapJSON struct {
	Version        int      `json:"version"`
	Sources        []string `json:"sources"`
	SourcesContent []string `json:"sourcesContent"`
	Names          []string `json:"names"`
	Mappings       string   `json:"mappings"`
}

func decodeMap(text []byte) (*sourceMap, error) {
	var j sourceMapJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("read the source map: %w", err)
	}
	m := &sourceMap{sources: j.Sources, contents: j.SourcesContent, names: j.Names}
	if err := m.decodeMappings(j.Mappings); err != nil {
		return nil, fmt.Errorf("read the source map: %w", err)
	}
	return m, nil
}

func (m *sourceMap) decodeMappings(text string) error {
	m.mappings = make([]mapping, 0, len(text)/5)
	var at mapping
	for line := range strings.SplitSeq(text, ";") {
		at.column = 0
		for segment := range strings.SplitSeq(line, ",") {
			if segment == "" {
				continue
			}
			fields, n, err := vlqFields(segment)
			if err != nil {
				return err
			}
			at.column += fields[0]
			next := mapping{line: at.line, column: at.column, source: -1, name: -1}
			if n >= 4 {
				at.source += fields[1]
				at.srcLine += fields[2]
				at.srcColumn += fields[3]
				next.source, next.srcLine, next.srcColumn = at.source, at.srcLine, at.srcColumn
			}
			if n == 5 {
				at.name += fields[4]
				next.name = at.name
			}
			if int(next.source) >= len(m.sources) || int(next.name) >= len(m.names) {
				return errors.New("a mapping points outside of the lists")
			}
			m.mappings = append(m.mappings, next)
		}
		at.line++
	}
	return nil
}

// encode writes the map for the engine, whose positions differ from the
// standard's in two ways: it looks columns up counting bytes from one where the
// standard says UTF-16 units from zero, and hands out the column it finds as it
// is. With both sides moved by one (and lines that are not ASCII recounted),
// stack traces show the exact line and column, counted from one.
func (m *sourceMap) encode(code string) []byte {
	var b strings.Builder
	var last mapping
	columns := byteColumns{lines: strings.Split(code, "\n"), line: -1}
	for i, at := range m.mappings {
		at.column = columns.of(at.line, at.column) + 1
		switch {
		case at.line > last.line:
			b.WriteString(strings.Repeat(";", int(at.line-last.line)))
			last.line, last.column = at.line, 0
		case i > 0:
			b.WriteByte(',')
		}
		writeVLQ(&b, at.column-last.column)
		last.column = at.column
		if at.source < 0 {
			continue
		}
		at.srcColumn++
		writeVLQ(&b, at.source-last.source)
		writeVLQ(&b, at.srcLine-last.srcLine)
		writeVLQ(&b, at.srcColumn-last.srcColumn)
		last.source, last.srcLine, last.srcColumn = at.source, at.srcLine, at.srcColumn
		if at.name >= 0 {
			writeVLQ(&b, at.name-last.name)
			last.name = at.name
		}
	}
	j := sourceMapJSON{Version: 3, Sources: m.sources, SourcesContent: m.contents, Names: m.names, Mappings: b.String()}
	if j.Names == nil {
		j.Names = []string{}
	}
	text, err := json.Marshal(j)
	if err != nil { // strings and numbers always encode
		panic("script: encode source map: " + err.Error())
	}
	return text
}

// original finds where the output at line and column, both from zero and in
// UTF-16 units, comes from.
func (m *sourceMap) original(line, column int) (pos call.Position, ok bool) {
	i := sort.Search(len(m.mappings), func(i int) bool {
		at := m.mappings[i]
		return int(at.line) > line || int(at.line) == line && int(at.column) > column
	}) - 1
	if i < 0 || int(m.mappings[i].line) != line || m.mappings[i].source < 0 {
		return call.Position{}, false
	}
	at := m.mappings[i]
	return call.Position{File: m.sources[at.source], Line: int(at.srcLine) + 1, Column: int(at.srcColumn) + 1}, true
}

// problem makes a Problem for a place in the output.
func (m *sourceMap) problem(code string, offset int, message string, length int) Problem {
	line, column := lineColumn(code, offset)
	pos, ok := m.original(line, column)
	if !ok {
		return Problem{Message: message}
	}
	return Problem{Message: message, Pos: pos, Frame: m.frame(pos, length)}
}

// frame shows a position in one of the sources.
func (m *sourceMap) frame(pos call.Position, length int) string {
	return codeFrame(m.content(pos.File), pos, length)
}

func (m *sourceMap) content(path string) string {
	if i := slices.Index(m.sources, path); i >= 0 && i < len(m.contents) {
		return m.contents[i]
	}
	return ""
}

// lineColumn counts from zero; the column is in UTF-16 units.
func lineColumn(code string, offset int) (line, column int) {
	start := strings.LastIndexByte(code[:offset], '\n') + 1
	end := len(code)
	if i := strings.IndexByte(code[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	return strings.Count(code[:start], "\n"), unitColumn(code[start:end], offset-start)
}

// edit is a replacement of code[from:to].
type edit struct {
	from, to int
	text     string
}

// apply makes the edits, none of which may span lines, and moves the mappings
// behind each of them.
func (m *sourceMap) apply(code string, edits []edit) string {
	if len(edits) == 0 {
		return code
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	next := 0
	for _, e := range edits {
		out.WriteString(code[next:e.from])
		out.WriteString(e.text)
		next = e.to
	}
	out.WriteString(code[next:])
	for _, e := range slices.Backward(edits) { // from the back, so that columns in front are still as they were
		line, column := lineColumn(code, e.from)
		end := column + unitColumn(code[e.from:e.to], e.to-e.from)
		shift := unitColumn(e.text, len(e.text)) - (end - column)
		i := sort.Search(len(m.mappings), func(i int) bool {
			at := m.mappings[i]
			return int(at.line) > line || int(at.line) == line && int(at.column) >= end
		})
		for ; i < len(m.mappings) && int(m.mappings[i].line) == line; i++ {
			m.mappings[i].column += int32(shift)
		}
	}
	return out.String()
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// vlqFields reads the one to five numbers of a segment.
func vlqFields(segment string) (fields [5]int32, n int, err error) {
	value, shift := uint32(0), 0
	for i := range len(segment) {
		d := strings.IndexByte(vlqDigits, segment[i])
		if d < 0 || n == len(fields) || shift > 30 {
			return fields, n, fmt.Errorf("%q is not a mapping", segment)
		}
		value |= uint32(d&31) << shift
		shift += 5
		if d&32 != 0 {
			continue
		}
		fields[n] = int32(value >> 1)
		if value&1 != 0 {
			fields[n] = -fields[n]
		}
		n, value, shift = n+1, 0, 0
	}
	if shift != 0 || n == 0 || n == 2 || n == 3 {
		return fields, n, fmt.Errorf("%q is not a mapping", segment)
	}
	return fields, n, nil
}

func writeVLQ(b *strings.Builder, n int32) {
	value := uint32(n) << 1
	if n < 0 {
		value = uint32(-n)<<1 | 1
	}
	for {
		d := value & 31
		value >>= 5
		if value != 0 {
			d |= 32
		}
		b.WriteByte(vlqDigits[d])
		if value == 0 {
			return
		}
	}
}

// byteColumns turns the ascending columns of a line into bytes, in one pass.
type byteColumns struct {
	lines        []string
	line         int32
	units, bytes int32 // how far the pass has come
}

func (c *byteColumns) of(line, column int32) int32 {
	if int(line) >= len(c.lines) {
		return column
	}
	if line != c.line || column < c.units {
		c.line, c.units, c.bytes = line, 0, 0
	}
	step := int32(byteColumn(c.lines[line][c.bytes:], int(column-c.units)))
	c.units, c.bytes = column, c.bytes+step
	return c.bytes
}
