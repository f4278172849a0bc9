// The binary forms of what is in the store. Whatever is not sealed of a record
// is bound to what is: it is part of the additional data, so that a change of
// any byte is found when it is opened.
//
//	the key     format generation check nonce sealed(data key)
//	a secret    format generation version set-at nonce sealed(value)
//	a login     the same
//
// The additional data of a secret and of a login begin with which of the two it
// is, and have its name as well: under another key of the store it does not open,
// and neither does one version in the place of another.

package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// format is the first byte of every record.
	format = 1

	nonceSize = chacha20poly1305.NonceSizeX
	overhead  = chacha20poly1305.Overhead

	keyHeader    = 1 + 8 + checkSize
	keyRecord    = keyHeader + nonceSize + keySize + overhead
	secretHeader = 1 + 8 + 8 + 8
	secretLeast  = secretHeader + nonceSize + overhead + 1
)

var (
	errForm   = errors.New("it has a form that is not known; was it written by a newer version?")
	errSealed = errors.New("it does not open: it was changed, or is not the one that belongs here")
)

// keyHead is what the key's record says in clear.
type keyHead struct {
	generation uint64 // of the data key; it rises with every rotation
	check      [checkSize]byte
}

// kind is what a record with a value holds.
type kind struct {
	prefix string // of its key in the store
	label  string // of its additional data
	max    int    // bytes of its value
}

var (
	secretKind = kind{prefix: "secret/", label: "reprise secret\x00", max: MaxValue}
	loginKind  = kind{prefix: "login/", label: "reprise login\x00", max: MaxLogin}
)

func (k *kind) key(name string) []byte { return []byte(k.prefix + name) }

// secretHead is what a secret's or a login's record says in clear.
type secretHead struct {
	generation uint64 // of the data key that sealed it
	version    uint64
	setAt      time.Time
}

func (h keyHead) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{format}, h.generation)
	return append(b, h.check[:]...)
}

func (h secretHead) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{format}, h.generation)
	b = binary.BigEndian.AppendUint64(b, h.version)
	return binary.BigEndian.AppendUint64(b, uint64(h.setAt.UnixMilli()))
}

// readKey reads what the key's record says in clear. It may not be true.
func readKey(record []byte) (h keyHead, err error) {
	if len(record) != keyRecord || record[0] != format {
		return h, errForm
	}
	h.generation = binary.BigEndian.Uint64(record[1:])
	copy(h.check[:], record[9:])
	return h, nil
}

// read reads what a record says in clear. It may not be true.
func (k *kind) read(record []byte) (h secretHead, err error) {
	if len(record) < secretLeast || len(record) > secretLeast-1+k.max || record[0] != format {
		return h, errForm
	}
	h.generation = binary.BigEndian.Uint64(record[1:])
	h.version = binary.BigEndian.Uint64(record[9:])
	h.setAt = time.UnixMilli(int64(binary.BigEndian.Uint64(record[17:]))).UTC()
	return h, nil
}

// wrap makes the key's record: the data key, sealed with the master key.
func wrap(master, data *Key, generation uint64) []byte {
	head := keyHead{generation: generation, check: master.check()}.encode()
	return seal(master, head, keyData(head), data[:])
}

// unwrap opens the key's record.
func unwrap(master *Key, record []byte) (*Key, error) {
	if _, err := readKey(record); err != nil {
		return nil, err
	}
	b, err := open(master, record, keyHeader, keyData(record[:keyHeader]))
	if err != nil {
		return nil, err
	}
	defer clear(b)
	k := Key(b)
	return &k, nil
}

// seal makes a record.
func (k *kind) seal(data *Key, name string, h secretHead, value []byte) []byte {
	head := h.encode()
	return seal(data, head, k.data(head, name), value)
}

// open returns the value of a record. Whoever asked wipes it.
func (k *kind) open(data *Key, name string, record []byte) ([]byte, error) {
	if _, err := k.read(record); err != nil {
		return nil, err
	}
	return open(data, record, secretHeader, k.data(record[:secretHeader], name))
}

// The additional data of all kinds begin differently, and the heads have fixed
// lengths, so that no two records have the same.
func keyData(head []byte) []byte { return append([]byte("reprise data key\x00"), head...) }

func (k *kind) data(head []byte, name string) []byte {
	return append(append([]byte(k.label), head...), name...)
}

func seal(k *Key, head, data, value []byte) []byte {
	record := make([]byte, len(head)+nonceSize, len(head)+nonceSize+len(value)+overhead)
	copy(record, head)
	nonce := record[len(head):]
	_, _ = rand.Read(nonce) // it never fails since Go 1.24
	return aead(k).Seal(record, nonce, value, data)
}

func open(k *Key, record []byte, head int, data []byte) ([]byte, error) {
	nonce, sealed := record[head:head+nonceSize], record[head+nonceSize:]
	value, err := aead(k).Open(nil, nonce, sealed, data)
	if err != nil {
		return nil, errSealed
	}
	return value, nil
}

func aead(k *Key) cipher.AEAD {
	a, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic("vault: the size of a key is fixed: " + err.Error())
	}
	return a
}
