package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"reprise/connections"
	"reprise/connections/openapi"
)

// addition is a connection that is being added to the project in the current folder.
type addition struct {
	out     io.Writer
	name    string
	source  string // of the description: a file or a URL
	baseURL string // in place of the description's
	force   bool
	text    []byte // of the description
	api     *openapi.API
	path    string // of the description within the project, with slashes
	copied  bool   // it is not there yet
}

func newConnectionAdd(stdio IO) *cobra.Command {
	a := &addition{out: stdio.Out}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a connection from an OpenAPI description, with types for its calls",
		Long: `Add a connection to reprise.yaml of the project in the current folder, from an
OpenAPI 3 description of the API: where it is, how requests are authorized, and
the types of its calls. Everything else in the file stays as it is.`,
		Example: `  reprise connections add crm --openapi https://crm.example.com/openapi.json
  reprise connections add crm --openapi crm.yaml --base-url https://crm.example.com/v2`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("connections add takes one name, not %q", args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) {
				if f.Changed {
					err = usagef("connections add asks no server, and --%s is for those that do", f.Name)
				}
			})
			if err != nil {
				return err
			}
			a.name = args[0]
			return a.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.source, "openapi", "", "file or URL of the description, JSON or YAML (needed)")
	f.StringVar(&a.baseURL, "base-url", "", "where the API is, if not at the description's first server")
	f.BoolVar(&a.force, "force", false, "replace a connection of that name, with all its settings")
	return cmd
}

// run looks at everything before it writes anything.
func (a *addition) run(ctx context.Context) error {
	switch {
	case !connections.ValidConnection(a.name) || a.name == connections.Self:
		return usagef("%q can not be the name of a connection: letters, digits, _ and - only, a letter first, 128 at most, and not %s", a.name, connections.Self)
	case a.source == "":
		return usagef("connections add needs a description of the API: --openapi FILE, or a URL")
	}
	if err := a.read(ctx); err != nil {
		return err
	}
	if err := a.choosePath(); err != nil {
		return err
	}
	entry, notes, err := a.entry()
	if err != nil {
		return err
	}
	text, err := withConnection(configFile, a.name, entry, a.force)
	if err != nil {
		return err
	}
	if a.copied {
		if err := os.MkdirAll(filepath.Dir(filepath.FromSlash(a.path)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.FromSlash(a.path), a.text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "wrote %s\n", a.path)
	}
	if err := replaceFile(configFile, text); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "wrote %s: the connection %s, which leads to %s\n", configFile, a.name, printable(fmt.Sprint(entry[0].Value)))
	if err := writeTypes(".", a.out); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nScripts have it as env.%s once they name it: export const config = { connections: [%q] };\n", a.name, a.name)
	for _, note := range notes {
		fmt.Fprintln(a.out, printable(note))
	}
	return nil
}

// read reads the description, and leaves in source where it was in the end.
func (a *addition) read(ctx context.Context) (err error) {
	if isURL(a.source) {
		a.text, a.source, err = download(ctx, a.source)
	} else {
		a.text, err = descriptionText(a.source)
	}
	if err != nil {
		return err
	}
	if a.api, err = openapi.Parse(a.text); err != nil {
		return fmt.Errorf("%s: %w", a.source, err)
	}
	return nil
}

// choosePath says where the description is within the project. One that is not
// there gets a place.
func (a *addition) choosePath() error {
	if !isURL(a.source) {
		here, err := filepath.Abs(".")
		if err != nil {
			return err
		}
		abs, err := filepath.Abs(a.source)
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(here, abs); err == nil && filepath.IsLocal(rel) {
			a.path = filepath.ToSlash(rel)
			return nil
		}
	}
	ending := ".yaml"
	if bytes.HasPrefix(bytes.TrimSpace(a.text), []byte("{")) {
		ending = ".json"
	}
	a.path, a.copied = "openapi/"+a.name+ending, true
	if _, err := os.Stat(filepath.FromSlash(a.path)); err == nil && !a.force {
		return usagef("%s is there already; with --force it is replaced", a.path)
	}
	return nil
}

// entry is what reprise.yaml says of the connection, and what there is to say to
// whoever adds it.
func (a *addition) entry() (entry yaml.MapSlice, notes []string, err error) {
	base := cmp.Or(a.baseURL, a.api.BaseURL(a.source))
	if base == "" {
		return nil, nil, usagef("the description does not say where the API is; give --base-url https://…")
	}
	if strings.Contains(base, "${") {
		return nil, nil, usagef("--base-url can not have variables here; write them into %s", configFile)
	}
	entry = yaml.MapSlice{{Key: "baseURL", Value: base}, {Key: "openapi", Value: a.path}}
	if err := checkEntry(a.name, entry); err != nil {
		return nil, nil, usagef("%w", err)
	}
	auth, notes := skeleton(a.name, a.api.Scheme())
	if auth == nil {
		return entry, notes, nil
	}
	whole := append(entry[:2:2], yaml.MapItem{Key: "auth", Value: auth})
	if err := checkEntry(a.name, whole); err != nil { // the description's fault
		return entry, []string{fmt.Sprintf("What the description says of authorization can not be used (%s); write auth yourself.", err)}, nil
	}
	return whole, notes, nil
}

// checkEntry tells whether a server could have the connection.
func checkEntry(name string, entry yaml.MapSlice) error {
	text, err := yaml.Marshal(entry)
	if err != nil {
		return err
	}
	var c fileConnection
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return err
	}
	r := &reader{at: "connections." + name}
	u := r.upstream(name, c)
	_, err = connections.NewSet(u)
	return cmp.Or(r.err, err)
}

// skeleton is the auth of a connection with the names of secrets in it, and the
// commands that set these.
func skeleton(name string, s *openapi.Scheme) (auth yaml.MapSlice, notes []string) {
	secret := func(what string) string {
		secret := strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_" + what
		notes = append(notes, "Set its credentials with: reprise secret set "+secret)
		return "${secret:" + secret + "}"
	}
	switch {
	case s == nil:
		return nil, []string{"The description does not say how requests are authorized; if they have to be, write auth yourself."}
	case s.Type == "basic":
		auth = yaml.MapSlice{{Key: "basic", Value: yaml.MapSlice{{Key: "username", Value: secret("USERNAME")}, {Key: "password", Value: secret("PASSWORD")}}}}
	case s.Type == "apiKey":
		auth = yaml.MapSlice{{Key: "apiKey", Value: yaml.MapSlice{{Key: s.In, Value: s.Name}, {Key: "value", Value: secret("KEY")}}}}
	case s.Type == "oauth2":
		o := yaml.MapSlice{}
		if s.AuthorizationURL != "" {
			o = append(o, yaml.MapItem{Key: "grant", Value: "authorizationCode"}, yaml.MapItem{Key: "authorizationURL", Value: s.AuthorizationURL})
		}
		o = append(o, yaml.MapItem{Key: "tokenURL", Value: s.TokenURL}, yaml.MapItem{Key: "clientId", Value: secret("CLIENT_ID")}, yaml.MapItem{Key: "clientSecret", Value: secret("CLIENT_SECRET")})
		auth = yaml.MapSlice{{Key: "oauth2", Value: o}}
		if len(s.Scopes) > 0 {
			notes = append(notes, "Put those that scripts need into auth.oauth2.scopes, of: "+strings.Join(s.Scopes, " "))
		}
		if s.AuthorizationURL != "" {
			notes = append(notes, "Then log in with: reprise connections login "+name)
		}
	default:
		auth = yaml.MapSlice{{Key: "bearer", Value: secret("KEY")}}
	}
	return auth, notes
}
