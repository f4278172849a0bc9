package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"reprise/connections"
	"reprise/connections/vault"
	"reprise/server/api"
)

func newSecret(stdio IO) *cobra.Command {
	r := &remote{stdio: stdio}
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Keep secrets in the store, sealed",
		Long: `Keep values that scripts can use and never see, sealed, in the store of a data
folder: of the server that uses it, where it is there for the next call, or else
in the folder itself. Nothing gives a value back.`,
		Example: `  reprise secret set CRM_KEY
  pass show crm | reprise secret set CRM_KEY
  reprise secret list`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no such command of %q; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.addFlags(cmd.PersistentFlags())
	addMasterKeyFlag(cmd.PersistentFlags())
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON; of lists one object a line")
	cmd.AddCommand(newSecretSet(r), newSecretList(r), newSecretDelete(r), newSecretRotate(r))
	return cmd
}

func newSecretSet(r *remote) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Set a secret, for the next call",
		Long: `Set a secret. The value is asked for, or read from standard input if that is no
terminal, or from a file. One line break at its end is left out. It is not an
argument, because others can see those.`,
		Example: `  reprise secret set CRM_KEY
  pass show crm | reprise secret set CRM_KEY
  reprise secret set SIGNING_KEY --from-file key.pem`,
		Args: secretName,
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := r.readValue(cmd.Context(), args[0], file)
			if err != nil {
				return err
			}
			defer clear(value)
			return r.withSecrets(cmd, access{makes: true}, func(s secretKeeper) error {
				set, err := s.SetSecret(cmd.Context(), args[0], string(value))
				if err != nil {
					return err
				}
				return r.printSet(&set)
			})
		},
	}
	cmd.Flags().StringVar(&file, "from-file", "", "file with the value (default: standard input)")
	return cmd
}

// secretName checks that the arguments are one name, without repeating them: a
// value may be among them.
func secretName(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && connections.ValidName(args[0]):
		return nil
	case len(args) == 1:
		return usagef("this can not be the name of a secret; it has letters, digits and underscores, at most 128")
	case len(args) > 1 && cmd.Name() == "set":
		return usagef("write it like this: %s NAME, and give the value on standard input or with --from-file; arguments can be seen by others, so if there was a value among these, replace it", cmd.CommandPath())
	}
	return usagef("write it like this: %s NAME", cmd.CommandPath())
}

// readValue gets a value from a file, a prompt or standard input. Whoever asked
// wipes it.
func (r *remote) readValue(ctx context.Context, name, file string) (value []byte, err error) {
	in, isFile := r.stdio.In.(*os.File)
	switch {
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("--from-file: %w", err)
		}
		defer f.Close()
		if value, err = readBounded(f); err != nil {
			return nil, usagef("--from-file: %w", err)
		}
	case isFile && term.IsTerminal(int(in.Fd())):
		fmt.Fprintf(r.stdio.Err, "value of %s (it is not shown): ", name)
		value, err = readHidden(ctx, int(in.Fd()))
		fmt.Fprintln(r.stdio.Err)
		if err != nil {
			return nil, fmt.Errorf("read the value: %w", err)
		}
	default:
		if value, err = readBounded(r.stdio.In); err != nil {
			return nil, fmt.Errorf("read the value from standard input: %w", err)
		}
	}
	value = withoutLineBreak(value)
	switch {
	case len(value) == 0:
		return nil, usagef("the value of %s is empty; to delete a secret: reprise secret delete %s", name, name)
	case len(value) > vault.MaxValue:
		return nil, usagef("the value of %s has more than %d bytes", name, vault.MaxValue)
	case !utf8.Valid(value): // JSON, in which it travels, has no other
		return nil, usagef("the value of %s is not text in UTF-8; encode it, for example in base64", name)
	}
	return value, nil
}

// readHidden reads a line from a terminal without showing it. An interrupt ends
// that at once, and the terminal shows again what is typed.
func readHidden(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() { // after an interrupt it ends with the process
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}

// readBounded reads what may be a value and a line break, and a byte more if it
// is too long.
func readBounded(from io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(from, vault.MaxValue+3))
}

// withoutLineBreak leaves out the last line break, which editors and echo write.
func withoutLineBreak(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
		if n > 1 && b[n-2] == '\r' {
			b = b[:n-2]
		}
	}
	return b
}

func (r *remote) printSet(set *api.SecretSet) error {
	if set.KeyFile != "" {
		r.sayKeyFile(set.KeyFile)
	}
	if set.Secret.Source == vault.Environment {
		fmt.Fprintf(r.stdio.Err, "note: %s%s in the environment wins over the store\n", connections.EnvPrefix, printable(set.Secret.Name))
	}
	if r.json {
		return writeLine(r.stdio.Out, set)
	}
	fmt.Fprintf(r.stdio.Out, "%s is set, version %d\n", printable(set.Secret.Name), set.Secret.Version)
	return nil
}

// sayKeyFile says that a file wants a backup.
func (r *remote) sayKeyFile(path string) {
	fmt.Fprintf(r.stdio.Err, "the master key is in %s\nMake a backup of that file, apart from the data: without it nobody can read the secrets of the store.\n", printable(path))
}

func newSecretList(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List secrets, without their values", Args: cobra.NoArgs,
		Long: `List the secrets by name: the version in the store and when it was set, where the
value in use comes from, and where it may be sent.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withSecrets(cmd, access{locked: true}, func(s secretKeeper) error {
				all, err := s.Secrets(cmd.Context())
				if err != nil {
					return err
				}
				return r.printSecrets(all, time.Now())
			})
		},
	}
}

func (r *remote) printSecrets(all []vault.Secret, now time.Time) error {
	if r.json {
		for i := range all {
			if err := writeLine(r.stdio.Out, &all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(r.stdio.Err, "there are no secrets")
		return nil
	}
	t := tabwriter.NewWriter(r.stdio.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVERSION\tSET\tFROM\tHOSTS")
	for i := range all {
		s := &all[i]
		version, set, from, hosts := "-", "-", s.Source, "any"
		if s.Version > 0 {
			version = fmt.Sprint(s.Version)
		}
		if s.SetAt != nil {
			set = ago(*s.SetAt, now) + " ago"
		}
		if s.Source == vault.Environment && s.Version > 0 {
			from += ", which wins over the store"
		}
		if len(s.Hosts) > 0 {
			hosts = strings.Join(s.Hosts, ", ")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", printable(s.Name), version, set, printable(from), printable(hosts))
	}
	return t.Flush()
}

func newSecretDelete(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a secret from the store", Args: secretName,
		Long: `Delete a secret from the store. While no server is running this needs no master
key: it is also for secrets whose key is lost.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withSecrets(cmd, access{locked: true}, func(s secretKeeper) error {
				if err := s.DeleteSecret(cmd.Context(), args[0]); err != nil {
					return err
				}
				if r.json {
					return nil
				}
				fmt.Fprintf(r.stdio.Out, "%s is deleted\n", printable(args[0]))
				return nil
			})
		},
	}
}

func newSecretRotate(r *remote) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "rotate-key", Short: "Seal all secrets with another master key", Args: cobra.NoArgs,
		Long: `Seal all secrets of the store anew, with another data key under another master
key. The new key takes the place of the old one in its file, which is kept under
another name for the backups that need it. Where the key is in REPRISE_MASTER_KEY,
give the new one with --new-key-file, and put it there before the next start.`,
		Example: `  reprise secret rotate-key
  openssl rand -base64 32 | reprise secret rotate-key --new-key-file -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var req api.RotateKey
			if file != "" {
				text, err := r.readKey(file)
				if err != nil {
					return err
				}
				req.NewKey = text
			}
			return r.withSecrets(cmd, access{}, func(s secretKeeper) error {
				done, err := s.RotateKey(cmd.Context(), req)
				if err != nil {
					return err
				}
				return r.printRotated(&done)
			})
		},
	}
	cmd.Flags().StringVar(&file, "new-key-file", "", "file with the new master key, - for standard input (default: a random one)")
	return cmd
}

// readKey reads the text of a master key.
func (r *remote) readKey(file string) (string, error) {
	from := r.stdio.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", usagef("--new-key-file: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := readBounded(from)
	if err != nil {
		return "", usagef("--new-key-file: %w", err)
	}
	defer clear(text)
	key, err := vault.ParseKey(string(text))
	if err != nil {
		return "", usagef("--new-key-file: %w", err)
	}
	key.Wipe()
	return strings.TrimSpace(string(text)), nil
}

func (r *remote) printRotated(done *vault.Rotated) error {
	if r.json {
		return writeLine(r.stdio.Out, done)
	}
	w := r.stdio.Out
	what := fmt.Sprintf("%d secrets", done.Secrets)
	if done.Logins > 0 {
		what += fmt.Sprintf(" and %d logins", done.Logins)
	}
	fmt.Fprintf(w, "%s are sealed with the master key %s now\n", what, printable(done.Fingerprint))
	if done.KeyFile == "" {
		fmt.Fprintf(w, "put the new key into %s before the server starts again\n", masterKeyVariable)
		return nil
	}
	fmt.Fprintf(w, "it is in %s; make a backup of it\n", printable(done.KeyFile))
	fmt.Fprintf(w, "the old one is in %s; it opens older backups of the data and nothing else\n", printable(done.OldKeyFile))
	return nil
}
