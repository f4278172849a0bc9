// reprise.NAME.yaml: what differs in one environment, laid over reprise.yaml.

package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"

	"github.com/spf13/cobra"
)

const (
	envFlag = "env"
	envVar  = envPrefix + "ENV"
)

var environmentName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// environmentOf is the name of the environment, from the flag or the variable;
// empty: none.
func environmentOf(cmd *cobra.Command, environ []string) (string, error) {
	name := variables(environ)[envVar]
	if f := cmd.Flags().Lookup(envFlag); f != nil && f.Changed {
		name = f.Value.String()
	}
	if name != "" && !environmentName.MatchString(name) {
		return "", usagef("--%s (%s) is %q; it is a name of letters, digits, _ and -", envFlag, envVar, name)
	}
	return name, nil
}

// overlayFile is the file of an environment.
func overlayFile(environment string) string { return "reprise." + environment + ".yaml" }

// readFiles reads reprise.yaml and lays the environment's file over it, which must
// be there if an environment was named.
func readFiles(dir, environment string) (*file, error) {
	f, err := readFile(filepath.Join(dir, configFile))
	if err != nil || environment == "" {
		return f, err
	}
	path := filepath.Join(dir, overlayFile(environment))
	if _, err := os.Stat(path); err != nil {
		return nil, usagef("the environment is %s, and its file can not be read: %w", environment, err)
	}
	over, err := readFile(path)
	if err != nil {
		return nil, err
	}
	overlay(reflect.ValueOf(f).Elem(), reflect.ValueOf(over).Elem())
	return f, nil
}

// overlay puts what is set in src over dst: groups of settings and named things
// are merged, everything else is replaced.
func overlay(dst, src reflect.Value) {
	switch {
	case dst.Kind() == reflect.Struct:
		for i := range dst.NumField() {
			overlay(dst.Field(i), src.Field(i))
		}
	case src.IsZero():
	case dst.Kind() == reflect.Map && !dst.IsNil():
		for _, key := range src.MapKeys() {
			merged := reflect.New(dst.Type().Elem()).Elem()
			if old := dst.MapIndex(key); old.IsValid() {
				merged.Set(old)
			}
			overlay(merged, src.MapIndex(key))
			dst.SetMapIndex(key, merged)
		}
	default:
		dst.Set(src)
	}
}
