package datadir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

// TokenFile is the name of the file that holds the token of the admin API.
const TokenFile = "admin.token"

const (
	tokenBytes = 32 // 256 bits: nobody guesses it, so tries need no counting
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// tokenLength is how many letters of 62 hold that many bits.
	tokenLength = 43
)

// LoadToken returns the token of the admin API and makes one when there is
// none yet. The directory is made too.
func LoadToken(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	token, err := ReadToken(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := writeNew(dir, TokenFile, []byte(newToken()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("write the token of the admin API: %w", err)
	}
	return ReadToken(dir) // another process may have been first
}

// ReadToken returns the token, or an error that is fs.ErrNotExist.
func ReadToken(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the token of the admin API: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("%s can be read by others and that can not be changed: %w", path, err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the token of the admin API: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 16 || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("%s does not hold a token; delete it and a new one is made at the next start", path)
	}
	return token, nil
}

// newToken writes random bytes as letters and digits, which survive URLs,
// shells and double clicks.
func newToken() string {
	random := make([]byte, tokenBytes)
	// It never fails since Go 1.24.
	_, _ = rand.Read(random)
	n, base, digit := new(big.Int).SetBytes(random), big.NewInt(int64(len(base62))), new(big.Int)
	out := make([]byte, tokenLength)
	for i := range out {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

// writeNew makes a file that does not exist yet, whole or not at all.
func writeNew(dir, name string, content []byte) error {
	temporary, err := writeTemporary(dir, name, content)
	if err != nil {
		return err
	}
	// A link fails where the file exists already; a rename would replace it.
	err = os.Link(temporary, filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// A file system without links. Only two first starts in the same moment
		// could notice the difference.
		return os.Rename(temporary, filepath.Join(dir, name))
	}
	return errors.Join(err, os.Remove(temporary))
}

// writeTemporary writes a file of another name beside the one that is meant.
func writeTemporary(dir, name string, content []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, "."+name+".*") // made with mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
