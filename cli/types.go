package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"reprise/connections"
	"reprise/connections/openapi"
	"reprise/stdlib"
)

const (
	typesFile           = "reprise.d.ts"
	connectionTypesFile = "reprise.connections.d.ts"
	tsconfigFile        = "tsconfig.json"
)

// tsconfig checks scripts as Reprise runs them: ES2023, no DOM, no Node.
const tsconfig = `{
  "compilerOptions": {
    "target": "ES2022",
    "lib": ["ES2023"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "types": [],
    "strict": true,
    "noEmit": true,
    "allowJs": true,
    "isolatedModules": true,
    "resolveJsonModule": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true
  },
  "include": ["reprise.d.ts", "**/*.ts", "**/*.mts", "**/*.js", "**/*.mjs"],
  "exclude": ["node_modules", ".reprise"]
}
`

func newTypes(stdio IO) *cobra.Command {
	return &cobra.Command{
		Use:   "types [dir]",
		Short: "Write the type declarations and a tsconfig.json into a project",
		Long: `Write reprise.d.ts, the types of every global and module that scripts can use,
into the project, and a tsconfig.json where there is none. Editors then complete
and check scripts; so does "npx tsc". Connections with a description of their API
(openapi in reprise.yaml) have their types in reprise.connections.d.ts.`,
		Args: dirArgument,
		RunE: func(_ *cobra.Command, args []string) error {
			return writeTypes(projectDir(args), stdio.Out)
		},
	}
}

func writeTypes(dir string, out io.Writer) error {
	path := filepath.Join(dir, typesFile)
	if err := os.WriteFile(path, []byte(stdlib.Types()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s\n", path)
	path = filepath.Join(dir, tsconfigFile)
	wrote, err := writeNew(path, tsconfig)
	if err != nil {
		return err
	}
	if wrote {
		fmt.Fprintf(out, "wrote %s\n", path)
	} else {
		fmt.Fprintf(out, "kept %s; it must include %s\n", path, typesFile)
	}
	return writeConnectionTypes(dir, out)
}

// writeConnectionTypes writes the types of the connections that have a
// description of their API, or takes the file away if none has.
func writeConnectionTypes(dir string, out io.Writer) error {
	f, err := readFile(filepath.Join(dir, configFile))
	if err != nil {
		return err
	}
	var described []openapi.Described
	for _, name := range slices.Sorted(maps.Keys(f.Connections)) {
		path := f.Connections[name].OpenAPI
		if path == "" {
			continue
		}
		if !connections.ValidConnection(name) {
			return usagef("%s: %q can not be the name of a connection", configFile, name)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		api, err := readDescription(path)
		if err != nil {
			return usagef("%s: connections.%s.openapi: %w", configFile, name, err)
		}
		described = append(described, openapi.Described{Connection: name, API: api})
	}
	path := filepath.Join(dir, connectionTypesFile)
	if len(described) == 0 {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.WriteFile(path, []byte(openapi.Declarations(described)), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s\n", path)
	return nil
}

// writeNew writes a file unless there is one.
func writeNew(path, text string) (wrote bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(text)
	return true, errors.Join(err, f.Close())
}
