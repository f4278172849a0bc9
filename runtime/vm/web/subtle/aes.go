package subtle

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	stdsubtle "crypto/subtle"
	"slices"
	"strconv"
)

func loadAES(p *Params, format string, m Material) (any, Info, error) {
	b, err := secretBytes(format, m)
	if err != nil {
		return nil, Info{}, err
	}
	switch len(b) {
	case 16, 24, 32:
	default:
		return nil, Info{}, fail(nameData, "an AES key has 128, 192 or 256 bits, not %d", 8*len(b))
	}
	return b, Info{Name: p.Name, Length: 8 * len(b)}, nil
}

func aesNames(mode string) func(*Info) []string {
	return func(info *Info) []string { return []string{"A" + strconv.Itoa(info.Length) + mode} }
}

func aesLength(p *Params) (int, error) {
	switch n := p.number("length", 0); n {
	case 128, 192, 256:
		return n, nil
	default:
		return 0, fail(nameOperation, "the length of an AES key must be 128, 192 or 256, not %d", n)
	}
}

func generateAES(p *Params, h Host) (any, Info, error) {
	n, err := aesLength(p)
	if err != nil {
		return nil, Info{}, err
	}
	return drawSecret(n, h), Info{Name: p.Name, Length: n}, nil
}

func (k *Key) block() cipher.Block {
	block, err := aes.NewCipher(k.material.([]byte))
	if err != nil {
		panic(err) // its length was checked when it was made
	}
	return block
}

// gcm is GCM with a nonce of any length, and the length of the tag in bytes.
// Go has tags of at least 12 bytes and only with its usual nonce, so the tag is
// always made whole and cut here.
func (k *Key) gcm(p *Params) (aead cipher.AEAD, tag int, err error) {
	bits := p.number("tagLength", 128)
	if !slices.Contains([]int{32, 64, 96, 104, 112, 120, 128}, bits) {
		return nil, 0, fail(nameOperation, "tagLength must be 32, 64, 96, 104, 112, 120 or 128, not %d", bits)
	}
	iv := p.octets("iv")
	if len(iv) == 0 {
		return nil, 0, fail(nameOperation, "the iv of AES-GCM can not be empty; 12 random bytes are best")
	}
	aead, err = cipher.NewGCMWithNonceSize(k.block(), len(iv))
	if err != nil {
		return nil, 0, fail(nameOperation, "AES-GCM failed")
	}
	return aead, bits / 8, nil
}

func sealGCM(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	aead, tag, err := k.gcm(p)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, p.octets("iv"), data, p.octets("additionalData"))
	return sealed[:len(data)+tag], nil
}

func openGCM(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	aead, tag, err := k.gcm(p)
	if err != nil {
		return nil, err
	}
	iv, more := p.octets("iv"), p.octets("additionalData")
	wrong := fail(nameOperation, "AES-GCM: the data was not encrypted with this key, iv and additionalData, or has been changed")
	if len(data) < tag {
		return nil, wrong
	}
	if tag == aead.Overhead() {
		text, err := aead.Open(nil, iv, data, more)
		if err != nil {
			return nil, wrong
		}
		return text, nil
	}
	// The cipher is a stream that is added to the text, so what encrypts also
	// decrypts; and what comes of encrypting that again has the whole tag.
	body, short := data[:len(data)-tag], data[len(data)-tag:]
	text := aead.Seal(nil, iv, body, nil)[:len(body)]
	whole := aead.Seal(nil, iv, text, more)[len(body):]
	if stdsubtle.ConstantTimeCompare(whole[:tag], short) != 1 {
		return nil, wrong
	}
	return text, nil
}

// cbcIV returns the iv, which is one block.
func cbcIV(p *Params) ([]byte, error) {
	iv := p.octets("iv")
	if len(iv) != aes.BlockSize {
		return nil, fail(nameOperation, "the iv of AES-CBC must have 16 bytes, not %d", len(iv))
	}
	return iv, nil
}

func encryptCBC(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	iv, err := cbcIV(p)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(data)%aes.BlockSize
	out := append(append(make([]byte, 0, len(data)+pad), data...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(k.block(), iv).CryptBlocks(out, out)
	return out, nil
}

func decryptCBC(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	iv, err := cbcIV(p)
	if err != nil {
		return nil, err
	}
	wrong := fail(nameOperation, "AES-CBC: the data was not encrypted with this key, or has been changed")
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, wrong
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(k.block(), iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.Equal(out[len(out)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, wrong
	}
	return out[:len(out)-pad], nil
}
