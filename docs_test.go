package main_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reprise/cli"
	"reprise/runtime/call"
)

// page is one Markdown file, without its code.
type page struct {
	path, text string
	anchors    []string
}

var (
	fence     = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	link      = regexp.MustCompile(`\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// slug is the anchor that renderers make of a heading.
func slug(heading string) string {
	text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	return strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(text), ""), " ", "-")
}

// pages reads every Markdown file of the house.
func pages(t *testing.T) map[string]page {
	t.Helper()
	out := map[string]page{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		p := page{path: filepath.ToSlash(path), text: fence.ReplaceAllString(string(b), "")}
		for _, m := range heading.FindAllStringSubmatch(p.text, -1) {
			p.anchors = append(p.anchors, slug(strings.TrimSpace(m[1])))
		}
		p.text = codeSpan.ReplaceAllString(p.text, "")
		out[p.path] = p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d pages found", len(out))
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	// A link of the documentation leads to a file that is there, and to a heading that it has.
	all := pages(t)
	links := 0
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := p.path
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.path), file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: there is no %s", p.path, m[1], target)
				continue
			}
			if to, ok := all[target]; anchor != "" && ok && !slices.Contains(to.anchors, anchor) {
				t.Errorf("%s links to %s: %s has no such heading; it has %q", p.path, m[1], target, to.anchors)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links found", links)
	}
}

func TestIndexIsComplete(t *testing.T) {
	// docs/README.md leads to every page of the documentation.
	all := pages(t)
	index := all["docs/README.md"].text
	for path := range all {
		below, ok := strings.CutPrefix(path, "docs/")
		if ok && path != "docs/README.md" && !strings.Contains(index, "]("+below+")") {
			t.Errorf("docs/README.md does not link to %s", below)
		}
	}
}

// help returns what a command says of itself.
func help(t *testing.T, command ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := cli.Main(append(command, "--help"), cli.IO{In: strings.NewReader(""), Out: &out, Err: &out}); code != 0 {
		t.Fatalf("%q --help ended with %d: %s", command, code, out.String())
	}
	return out.String()
}

var (
	commandLine = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)
	flagLine    = regexp.MustCompile(`(?m)^ +(?:-(\w), )?--([a-z-]+)`)
	yamlTag     = regexp.MustCompile("`yaml:\"([A-Za-z]+)\"`")
)

// commands returns the names of the commands that the program lists.
func commands(t *testing.T) []string {
	t.Helper()
	_, list, ok := strings.Cut(help(t), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var out []string
	for _, m := range commandLine.FindAllStringSubmatch(list, -1) {
		if m[1] != "help" {
			out = append(out, m[1])
		}
	}
	if !ok || len(out) < 5 {
		t.Fatalf("the help lists the commands %q", out)
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section returns a page's text from a heading to the next of its level.
func section(text, heading string) string {
	_, rest, ok := strings.Cut(text, "\n## "+heading)
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

func TestEveryCommandAndFlagIsDocumented(t *testing.T) {
	text := read(t, "docs/reference/cli.md")
	flags := 0
	for _, name := range commands(t) {
		part := section(text, "reprise "+name)
		if part == "" {
			t.Errorf("docs/reference/cli.md has no section %q", "reprise "+name)
			continue
		}
		if name == "serve" { // "Flags as for dev": the two must have the same
			if a, b := flagLine.FindAllString(help(t, "dev"), -1), flagLine.FindAllString(help(t, "serve"), -1); len(a) != len(b) {
				t.Errorf("dev has %d flags and serve has %d", len(a), len(b))
			}
			continue
		}
		for _, m := range flagLine.FindAllStringSubmatch(help(t, name), -1) {
			if m[2] == "help" {
				continue
			}
			flags++
			want := "`--" + m[2] + "`"
			if m[1] != "" {
				want += ", `-" + m[1] + "`"
			}
			if !strings.Contains(part, want) {
				t.Errorf("the section %q of docs/reference/cli.md does not have %s", "reprise "+name, want)
			}
		}
	}
	if flags < 15 {
		t.Errorf("only %d flags found", flags)
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	// Each flag of a server is one row, with its variable and its default.
	text := read(t, "docs/reference/configuration.md")
	rows := 0
	for line := range strings.SplitSeq(help(t, "dev"), "\n") {
		m := flagLine.FindStringSubmatch(line)
		if m == nil || m[2] == "help" {
			continue
		}
		rows++
		row := regexp.MustCompile("(?m)^\\| `--" + m[2] + "` \\|.*$").FindString(text)
		if row == "" {
			t.Errorf("docs/reference/configuration.md has no row for --%s", m[2])
			continue
		}
		variable := "`REPRISE_" + strings.ToUpper(strings.ReplaceAll(m[2], "-", "_")) + "`"
		if !strings.Contains(row, variable) {
			t.Errorf("the row of --%s does not have %s", m[2], variable)
		}
		if _, value, ok := strings.Cut(line, "(default "); ok {
			value = strings.Trim(strings.TrimSuffix(strings.TrimSpace(value), ")"), `"`)
			if !strings.Contains(row, "`"+value+"`") {
				t.Errorf("the row of --%s does not have its default %s", m[2], value)
			}
		}
	}
	if rows < 8 {
		t.Errorf("only %d settings found", rows)
	}
	text += read(t, "docs/reference/connections.md") + read(t, "docs/reference/oauth.md")
	keys := 0
	sources, err := filepath.Glob("cli/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sources {
		for _, m := range yamlTag.FindAllStringSubmatch(read(t, path), -1) {
			keys++
			if !regexp.MustCompile("(?m)(^|[`. ])" + m[1] + "[`.:]").MatchString(text) {
				t.Errorf("docs/reference/configuration.md does not have the key %s of reprise.yaml (%s)", m[1], path)
			}
		}
	}
	if keys < 10 {
		t.Errorf("only %d keys of reprise.yaml found", keys)
	}
}

func TestEveryErrorIsDocumented(t *testing.T) {
	// runtime/call writes the page; here is that it is the page people find.
	text := read(t, "docs/reference/errors.md")
	for _, code := range call.Codes() {
		if !strings.Contains(text, "\n## "+code.Name()+"\n\n`"+string(code)+"`\n") {
			t.Errorf("docs/reference/errors.md does not have %s", code)
		}
	}
}

// TestPicturesAreSmall keeps a clone quick.
func TestPicturesAreSmall(t *testing.T) {
	const most = 250 << 10
	found, err := filepath.Glob("docs/images/*")
	if err != nil || len(found) == 0 {
		t.Fatal("no pictures", err)
	}
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || info.Size() > most {
			t.Errorf("%s has %d bytes; at most %d (%v)", path, info.Size(), most, err)
		}
	}
}
