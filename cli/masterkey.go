// Where the master key of the secrets in the store comes from. It is nothing
// that the data folder has: whoever gets hold of that, or of a backup of it,
// does not have the secrets.

package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"reprise/connections/vault"
)

// masterKeyVariable is the environment variable with the master key itself.
const masterKeyVariable = envPrefix + "MASTER_KEY"

func addMasterKeyFlag(f *pflag.FlagSet) {
	f.String("master-key-file", "", "file with the master key of the secrets in the store (default: one of your own, made when it is needed)")
}

// readMasterKey takes the master key from the environment, if it is there.
func readMasterKey(environ []string) (*vault.Key, error) {
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if name != masterKeyVariable || value == "" {
			continue
		}
		key, err := vault.ParseKey(value)
		if err != nil {
			return nil, usagef("%s: %w", masterKeyVariable, err)
		}
		return key, nil
	}
	return nil, nil
}

// masterKey is where the master key lies: the variable, the file that is
// configured, or a file of the user's own, one for each data folder.
func (c *Config) masterKey() vault.Source {
	switch {
	case c.MasterKey != nil:
		return vault.Given(c.MasterKey, masterKeyVariable)
	case c.MasterKeyFile != "":
		return vault.File(c.MasterKeyFile)
	}
	const say = "say where the key is, with --master-key-file or " + masterKeyVariable
	dir, err := os.UserConfigDir()
	if err != nil {
		return vault.Nowhere("this user has no folder for configuration where one could be (" + err.Error() + "); " + say)
	}
	sum := sha256.Sum256([]byte(realPath(c.Data)))
	path := filepath.Join(dir, "reprise", "keys", hex.EncodeToString(sum[:8])+".key")
	if c.inData(path) {
		return vault.Nowhere("the user's folder for configuration is in the data folder; " + say)
	}
	return vault.OwnFile(path)
}

// inData reports whether a path is in the data folder.
func (c *Config) inData(path string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(realPath(c.Data), realPath(abs))
	return err == nil && filepath.IsLocal(rel)
}

// realPath is a path without symbolic links, as far as it exists.
func realPath(path string) string {
	if path == filepath.Dir(path) {
		return path
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Join(realPath(filepath.Dir(path)), filepath.Base(path))
}
