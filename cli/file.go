package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	yamlprinter "github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"
)

// file is reprise.yaml. Keys that are not here are errors.
type file struct {
	Addr           *string                   `yaml:"addr"`
	Admin          *string                   `yaml:"admin"`
	NoAdmin        *bool                     `yaml:"noAdmin"`
	Data           *string                   `yaml:"data"`
	LogFormat      *string                   `yaml:"logFormat"`
	TLSCert        *string                   `yaml:"tlsCert"`
	TLSKey         *string                   `yaml:"tlsKey"`
	Poll           *bool                     `yaml:"poll"`
	Workers        any                       `yaml:"workers"` // a number, or auto
	WorkerMemory   *string                   `yaml:"workerMemory"`
	RequireSandbox *bool                     `yaml:"requireSandbox"`
	AdminHosts     []string                  `yaml:"adminHosts"`
	Logs           fileLogs                  `yaml:"logs"`
	Runs           fileRuns                  `yaml:"runs"`
	Limits         fileLimits                `yaml:"limits"`
	Env            map[string]any            `yaml:"env"`
	Secrets        map[string]fileSecret     `yaml:"secrets"`
	Connections    map[string]fileConnection `yaml:"connections"`
	MasterKeyFile  *string                   `yaml:"masterKeyFile"`
	Egress         fileEgress                `yaml:"egress"`
}

type fileLogs struct {
	Retention *string `yaml:"retention"`
	MaxBytes  *int64  `yaml:"maxBytes"`
}

type fileRuns struct {
	Retention    *string `yaml:"retention"`
	MaxPerScript *int    `yaml:"maxPerScript"`
}

type fileEgress struct {
	Allow []string `yaml:"allow"`
}

type fileSecret struct {
	Hosts []string `yaml:"hosts"`
}

// readFile reads reprise.yaml; a missing one is empty.
func readFile(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &file{}, nil
	}
	if err != nil {
		return nil, usagef("%w", err)
	}
	var f file
	if len(bytes.TrimSpace(text)) == 0 {
		return &f, nil
	}
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, usagef("%s", explainYAML(path, err))
	}
	return &f, f.Limits.check(path)
}

// explainYAML says what is wrong with a file, and shows the line. The decoder's
// own words for a wrong type and an unknown key are about Go.
func explainYAML(path string, err error) string {
	var positioned yaml.Error
	if !errors.As(err, &positioned) || positioned.GetToken() == nil {
		return path + ": " + err.Error()
	}
	message, at := positioned.GetMessage(), positioned.GetToken()
	var wrong *yaml.TypeError
	var unknown *yaml.UnknownFieldError
	switch {
	case errors.As(err, &wrong):
		message = fmt.Sprintf("this is %s; it should be %s", kindName(wrong.SrcType), kindName(wrong.DstType))
	case errors.As(err, &unknown):
		message = strings.Replace(message, "unknown field", "there is no setting", 1)
		names := settingNames()
		if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, at.Value) }); i >= 0 {
			message += "; did you mean " + names[i] + "?"
		}
	}
	return showToken(path, at, message)
}

// settingNames are the names of all settings that the file can have, at any depth.
func settingNames() []string {
	var names []string
	var collect func(reflect.Type)
	collect = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			collect(t.Elem())
		case reflect.Struct:
			for field := range t.Fields() {
				if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" && !slices.Contains(names, name) {
					names = append(names, name)
					collect(field.Type)
				}
			}
		}
	}
	collect(reflect.TypeFor[file]())
	return names
}

// showToken is a message about a place in a file, with the line.
func showToken(path string, at *token.Token, message string) string {
	var p yamlprinter.Printer
	frame := strings.TrimRight(p.PrintErrorToken(at, false), "\n")
	return fmt.Sprintf("%s:%d:%d: %s\n%s", path, at.Position.Line, at.Position.Column, message, frame)
}

// kindName is what people call a type.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a group of settings"
	}
	return t.String()
}

// below is a path of the file, which is relative to dir.
func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// settings are the keys the file sets, as koanf takes them. Its paths are
// relative to dir, where it lies; those of flags are to the current folder.
func (f *file) settings(dir string) map[string]any {
	out := map[string]any{}
	put := func(key string, set bool, value func() any) {
		if set {
			out[key] = value()
		}
	}
	put("addr", f.Addr != nil, func() any { return *f.Addr })
	put("admin", f.Admin != nil, func() any { return *f.Admin })
	put("noAdmin", f.NoAdmin != nil, func() any { return *f.NoAdmin })
	put("data", f.Data != nil, func() any { return *f.Data })
	put("logFormat", f.LogFormat != nil, func() any { return *f.LogFormat })
	put("tlsCert", f.TLSCert != nil, func() any { return below(dir, *f.TLSCert) })
	put("tlsKey", f.TLSKey != nil, func() any { return below(dir, *f.TLSKey) })
	put("masterKeyFile", f.MasterKeyFile != nil, func() any { return below(dir, *f.MasterKeyFile) })
	put("adminHosts", f.AdminHosts != nil, func() any { return f.AdminHosts })
	put("poll", f.Poll != nil, func() any { return *f.Poll })
	put("workers", f.Workers != nil, func() any { return fmt.Sprint(f.Workers) })
	put("workerMemory", f.WorkerMemory != nil, func() any { return *f.WorkerMemory })
	put("requireSandbox", f.RequireSandbox != nil, func() any { return *f.RequireSandbox })
	put("egress.allow", f.Egress.Allow != nil, func() any { return f.Egress.Allow })
	put("logs.retention", f.Logs.Retention != nil, func() any { return *f.Logs.Retention })
	put("logs.maxBytes", f.Logs.MaxBytes != nil, func() any { return *f.Logs.MaxBytes })
	put("runs.retention", f.Runs.Retention != nil, func() any { return *f.Runs.Retention })
	put("runs.maxPerScript", f.Runs.MaxPerScript != nil, func() any { return *f.Runs.MaxPerScript })
	for name, l := range f.Limits.byName() {
		out["limits."+name] = l.text
	}
	return out
}
