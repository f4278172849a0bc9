// Where the master key lies. A rotation changes two places that can not be
// changed at once: the store and the file. So the next key is written beside the
// file first, then the store changes, then the next key takes the place of the
// first. Whatever of it has happened, the key that the store wants is in one of
// the two files, and the store has its check value.

package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
)

// nextSuffix is what the file of a key is called that is to take its place.
const nextSuffix = ".next"

// maxKeyFile bounds what is read of a file that should hold a key: its 64
// characters and a line break or two.
const maxKeyFile = 256

// Source is where the master key lies: [Given], [File] or [OwnFile].
type Source struct {
	where string
	given *Key
	path  string
	make  bool
}

// Given is a master key from a place that this program can not write to, such
// as a variable of the environment. where names it for people.
func Given(key *Key, where string) Source {
	own := *key
	return Source{given: &own, where: where}
}

// File is a master key in a file, which somebody else makes.
func File(path string) Source { return Source{path: path, where: path} }

// OwnFile is a master key in a file that is made, with its folder, when it is
// needed and is not there.
func OwnFile(path string) Source { return Source{path: path, where: path, make: true} }

// Nowhere is a place where no key can be. why says what to do.
func Nowhere(why string) Source { return Source{where: why} }

// KeyError says that the master key is missing, wrong or not to be used, and
// what to do: a matter of configuration.
type KeyError struct{ err error }

func (e *KeyError) Error() string { return e.err.Error() }
func (e *KeyError) Unwrap() error { return e.err }

// There reports whether a key may be found: whether it is given, or there is
// such a file.
func (s Source) There() bool {
	if s.given != nil || s.path == "" {
		return s.given != nil
	}
	_, err := os.Stat(s.path)
	return err == nil
}

// find returns the key with that check value, and finishes or undoes what a
// rotation has left that was cut off.
func (s Source) find(want [checkSize]byte) (*Key, error) {
	if s.given != nil {
		if s.given.check() != want {
			return nil, s.wrong(want, s.given)
		}
		k := *s.given
		return &k, nil
	}
	if s.path == "" {
		return nil, fmt.Errorf("the store has secrets that are sealed with the master key %s, and %s", fingerprint(want), s.where)
	}
	current, err := readKeyFile(s.path)
	if err == nil && current.check() == want {
		return current, s.discard(current)
	}
	next, nextErr := readKeyFile(s.path + nextSuffix)
	if nextErr == nil && next.check() == want {
		return next, s.settle()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the store has secrets that are sealed with the master key %s, and there is no file %s; put the key there, or say where it is with --master-key-file or REPRISE_MASTER_KEY. If it is lost, so are the values: "+
			"stop the server, delete them with \"reprise secret delete NAME\" and set them again", fingerprint(want), s.path)
	case err != nil:
		return nil, err
	}
	return nil, s.wrong(want, current)
}

func (s Source) wrong(want [checkSize]byte, got *Key) error {
	return fmt.Errorf("the master key in %s is the wrong one: the store's secrets are sealed with the key %s, and this is %s; give the one that belongs to this data folder", s.where, fingerprint(want), fingerprint(got.check()))
}

// first returns the key that the first secrets are sealed with. made says that
// it was made just now.
func (s Source) first() (k *Key, made bool, err error) {
	if s.given != nil {
		k := *s.given
		return &k, false, nil
	}
	if s.path == "" {
		return nil, false, errors.New("there is no place for a master key: " + s.where)
	}
	k, err = readKeyFile(s.path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	if !s.make {
		return nil, false, fmt.Errorf("there is no master key in %s; make one with: openssl rand -base64 32 > %s && chmod 600 %s", s.path, s.path, s.path)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, false, fmt.Errorf("make the folder of the master key: %w", err)
	}
	made = true
	if err := writeKeyFile(s.path, NewKey(), true); errors.Is(err, fs.ErrExist) {
		made = false // another process was first
	} else if err != nil {
		return nil, false, fmt.Errorf("write the master key: %w", err)
	}
	k, err = readKeyFile(s.path) // as the next start reads it
	return k, made, err
}

// prepare writes the key that is to take the place of old. The latter is kept
// under another name, for backups that were made with it.
func (s Source) prepare(old, next *Key) error {
	if s.path == "" {
		return nil
	}
	err := writeKeyFile(s.path+oldSuffix(old), old, false)
	if err == nil {
		err = writeKeyFile(s.path+nextSuffix, next, false)
	}
	if err != nil {
		return fmt.Errorf("the next master key can not be written beside %s, so nothing was changed: %w", s.path, errors.Join(err, s.discard(old)))
	}
	return nil
}

// oldSuffix is what the file of a key is called that was replaced.
func oldSuffix(old *Key) string { return ".old-" + fingerprint(old.check()) }

// settle puts the next key in its place.
func (s Source) settle() error {
	if s.path == "" {
		return nil
	}
	if err := os.Rename(s.path+nextSuffix, s.path); err != nil {
		return fmt.Errorf("the master key of the store is in %s and can not be moved to its place: %w", s.path+nextSuffix, err)
	}
	syncDir(filepath.Dir(s.path))
	return nil
}

// discard undoes prepare, when the store has not changed.
func (s Source) discard(old *Key) error {
	if s.path == "" {
		return nil
	}
	return errors.Join(s.remove(nextSuffix), s.remove(oldSuffix(old)))
}

func (s Source) remove(suffix string) error {
	if err := os.Remove(s.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove what a rotation of the master key has left: %w", err)
	}
	return nil
}

// readKeyFile returns the key in a file, or an error that is fs.ErrNotExist.
func readKeyFile(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the master key can not be read: %s is not a file", path)
	}
	// The group may read it, because a container gets mounted files that way.
	if mode := info.Mode().Perm(); mode&0o027 != 0 && goruntime.GOOS != "windows" {
		return nil, fmt.Errorf("the master key in %s is not used, because others can read or change the file (its mode is %03o); close it with: chmod 600 %s", path, mode, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	defer clear(b)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	k, err := ParseKey(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// writeKeyFile writes a file that only its owner can read, whole or not at all.
// With isNew the error is fs.ErrExist if it is there.
func writeKeyFile(path string, k *Key, isNew bool) error {
	temporary, err := writeTemporary(filepath.Dir(path), k)
	if err != nil {
		return err
	}
	defer syncDir(filepath.Dir(path))
	if isNew {
		// A link fails where the file exists already; a rename would replace it.
		err = os.Link(temporary, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return errors.Join(err, os.Remove(temporary))
		}
		// A file system without links. Only two first starts in the same moment
		// could notice the difference.
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}

func writeTemporary(dir string, k *Key) (path string, err error) {
	f, err := os.CreateTemp(dir, ".key.*") // made with mode 0600
	if err != nil {
		return "", err
	}
	text := k.text()
	_, err = f.Write(text)
	clear(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncDir makes a folder's names last over a loss of power, where the system
// knows how.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // some file systems can not, and then there is nothing to do
		d.Close()
	}
}
