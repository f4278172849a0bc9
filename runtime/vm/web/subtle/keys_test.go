package subtle_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"reprise/runtime/vm/web/subtle"
)

// seeded is a host with a stream of its own.
func seeded(seed byte) subtle.Host {
	source := mathrand.NewChaCha8([32]byte{seed})
	random := func(b []byte) { // as the VM does it
		for len(b) > 0 {
			b = b[copy(b, binary.LittleEndian.AppendUint64(nil, source.Uint64())):]
		}
	}
	return subtle.Host{Random: random, Pause: func() {}}
}

// kinds are all algorithms that have keys, as generateKey and importKey want them.
func kinds() []*subtle.Params {
	length := func(n uint32) map[string]uint32 { return map[string]uint32{"length": n} }
	list := []*subtle.Params{
		{Name: "HMAC", Hash: "SHA-1"},
		{Name: "HMAC", Hash: "SHA-512"},
		{Name: "HMAC", Hash: "SHA-256", Numbers: length(72)},
		{Name: "AES-GCM", Numbers: length(128)},
		{Name: "AES-CBC", Numbers: length(192)},
		{Name: "AES-GCM", Numbers: length(256)},
		{Name: "ECDSA", NamedCurve: "P-256"},
		{Name: "ECDSA", NamedCurve: "P-384"},
		{Name: "ECDSA", NamedCurve: "P-521"},
		{Name: "Ed25519"},
	}
	for _, name := range []string{"RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"} {
		list = append(list, &subtle.Params{
			Name: name, Hash: "SHA-256", Numbers: map[string]uint32{"modulusLength": 2048}, Octets: map[string][]byte{"publicExponent": {1, 0, 1}},
		})
	}
	return list
}

const everyUse = subtle.UseEncrypt | subtle.UseDecrypt | subtle.UseSign | subtle.UseVerify | subtle.UseWrapKey | subtle.UseUnwrapKey

// usesOf are all usages that keys of an algorithm can have.
func usesOf(p *subtle.Params) subtle.Usages {
	if strings.HasPrefix(p.Name, "AES") || p.Name == "RSA-OAEP" {
		return everyUse &^ (subtle.UseSign | subtle.UseVerify)
	}
	return subtle.UseSign | subtle.UseVerify
}

// texts writes a key in all formats that it has.
func texts(t *testing.T, k *subtle.Key) map[string]subtle.Material {
	t.Helper()
	out := map[string]subtle.Material{}
	for _, format := range subtle.Formats {
		m, err := subtle.Export(format, k)
		if err == nil {
			out[format] = m
		} else if e, ok := errors.AsType[*subtle.Error](err); !ok || e.Name != "NotSupportedError" && e.Name != "InvalidAccessError" {
			t.Errorf("%s %s as %s: %v", k.Name, k.Type, format, err)
		}
	}
	return out
}

// mark is a short name of what a key is.
func mark(t *testing.T, k *subtle.Key) string {
	h := sha256.New()
	for _, format := range []string{"raw", "spki", "pkcs8"} {
		h.Write(texts(t, k)[format].Raw)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func TestKeysSurviveEveryFormat(t *testing.T) {
	// A key that is made, written and read again is the same key, in every format
	// it has; and the same draws make the same key.
	for _, p := range kinds() {
		key, public, err := subtle.Generate(p, true, usesOf(p), seeded(7))
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		again, _, err := subtle.Generate(p, true, usesOf(p), seeded(7))
		if err != nil || mark(t, key) != mark(t, again) {
			t.Errorf("%s: the same draws make another key %v", p.Name, err)
		}
		other, _, err := subtle.Generate(p, true, usesOf(p), seeded(8))
		if err != nil || mark(t, key) == mark(t, other) {
			t.Errorf("%s: other draws make the same key %v", p.Name, err)
		}
		for _, k := range []*subtle.Key{key, public} {
			if k == nil {
				continue
			}
			all := texts(t, k)
			if len(all) < 2 {
				t.Errorf("%s %s: only %d formats", k.Name, k.Type, len(all))
			}
			for format, m := range all {
				back, err := subtle.Import(format, m, p, true, k.Usages)
				if err != nil || mark(t, back) != mark(t, k) || back.Type != k.Type || back.Usages != k.Usages || back.Length != k.Length || back.ModulusLength != k.ModulusLength {
					t.Errorf("%s %s as %s: %+v %v", k.Name, k.Type, format, back, err)
				}
			}
		}
	}
}

func TestDrawsDecideTheBytes(t *testing.T) {
	// What is made of the run's stream must be the same in every process and with
	// every Go, because a journal outlives the one it was written with. If this
	// fails after an update of Go, runs that used these would diverge: see vm.Engine.
	var got []string
	for _, p := range kinds() {
		key, _, err := subtle.Generate(p, true, usesOf(p), seeded(1))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Name+" "+mark(t, key))
	}
	private := mustImport(t, "jwk", rfc7515RSA(t), &subtle.Params{Name: "RSA-PSS", Hash: "SHA-256"}, subtle.UseSign)
	sig, err := subtle.Sign(&subtle.Params{Name: "RSA-PSS", Numbers: map[string]uint32{"saltLength": 32}}, private, []byte("text"), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, "signature "+hex.EncodeToString(sig[:8]))
	m := rfc7515RSA(t)
	delete(m.JWK.Text, "d")
	public := mustImport(t, "jwk", m, &subtle.Params{Name: "RSA-OAEP", Hash: "SHA-256"}, subtle.UseEncrypt)
	sealed, err := subtle.Encrypt(&subtle.Params{Name: "RSA-OAEP"}, public, []byte("text"), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, "sealed "+hex.EncodeToString(sealed[:8]))
	want := `HMAC dc830ff185a75c46
HMAC 72041d7e2b5d6295
HMAC d36d850e882e61fe
AES-GCM 5db56f0d58dd2711
AES-CBC 6f53b79a9d1b751a
AES-GCM 136dfbe07a57f16a
ECDSA 471eaa8a908caec5
ECDSA 400110b498d3e6b2
ECDSA b7c8309f204f777e
Ed25519 de94a1c6ad30bf0e
RSASSA-PKCS1-v1_5 f238f7b13d1855a3
RSA-PSS f238f7b13d1855a3
RSA-OAEP f238f7b13d1855a3
signature 2ca951b6a15e73cf
sealed 8f86d88170dcf70e`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestGoReadsOurKeysAndWeReadGos(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		p               *subtle.Params
		private, public any
	}{
		{&subtle.Params{Name: "ECDSA", NamedCurve: "P-384", Hash: "SHA-384"}, ec, &ec.PublicKey},
		{&subtle.Params{Name: "RSASSA-PKCS1-v1_5", Hash: "SHA-512"}, rs, &rs.PublicKey},
		{&subtle.Params{Name: "Ed25519"}, ed, ed.Public()},
	} {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(tc.private)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(tc.public)
		if err != nil {
			t.Fatal(err)
		}
		private := mustImport(t, "pkcs8", subtle.Material{Raw: pkcs8}, tc.p, subtle.UseSign)
		public := mustImport(t, "spki", subtle.Material{Raw: spki}, tc.p, subtle.UseVerify)
		sig, err := subtle.Sign(tc.p, private, []byte("x"), nobody)
		if ok, err2 := subtle.Verify(tc.p, public, sig, []byte("x")); !ok || err != nil || err2 != nil {
			t.Errorf("%s: %v %v %v", tc.p.Name, ok, err, err2)
		}
		if m, err := subtle.Export("pkcs8", private); err != nil || !bytes.Equal(m.Raw, pkcs8) {
			t.Errorf("%s: pkcs8 %x %v", tc.p.Name, m.Raw, err)
		}
		if m, err := subtle.Export("spki", public); err != nil || !bytes.Equal(m.Raw, spki) {
			t.Errorf("%s: spki %x %v", tc.p.Name, m.Raw, err)
		}
	}
}

func TestWhatIsEncryptedComesBack(t *testing.T) {
	// Property: with every tag, iv, additional data and length, decrypting is the
	// inverse of encrypting, and one changed bit is noticed.
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"AES-GCM", "AES-CBC"}).Draw(t, "name")
		bytesOf := func(label string, from, to int) []byte { return rapid.SliceOfN(rapid.Byte(), from, to).Draw(t, label) }
		size := rapid.SampledFrom([]int{16, 24, 32}).Draw(t, "key size")
		k, err := subtle.Import("raw", subtle.Material{Raw: bytesOf("key", size, size)}, &subtle.Params{Name: name}, false, subtle.UseEncrypt|subtle.UseDecrypt)
		if err != nil {
			t.Fatal(err)
		}
		p := &subtle.Params{Name: name, Octets: map[string][]byte{"iv": bytesOf("iv", 16, 16)}}
		if name == "AES-GCM" {
			p.Octets = map[string][]byte{"iv": bytesOf("iv", 1, 40), "additionalData": bytesOf("aad", 0, 40)}
			p.Numbers = map[string]uint32{"tagLength": rapid.SampledFrom([]uint32{32, 64, 96, 104, 112, 120, 128}).Draw(t, "tag")}
		}
		text := bytesOf("text", 0, 100)
		sealed, err := subtle.Encrypt(p, k, text, nobody)
		if err != nil {
			t.Fatal(err)
		}
		back, err := subtle.Decrypt(p, k, sealed, nobody)
		if err != nil || !bytes.Equal(back, text) {
			t.Fatalf("%x %v, want %x", back, err, text)
		}
		if name == "AES-GCM" {
			sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if _, err := subtle.Decrypt(p, k, sealed, nobody); err == nil {
				t.Fatal("a change was not noticed")
			}
		}
	})
}

func TestSignaturesBelongToTheirText(t *testing.T) {
	type pair struct {
		p               *subtle.Params
		private, public *subtle.Key
	}
	var pairs []pair
	for _, p := range kinds() {
		if usesOf(p)&subtle.UseSign == 0 {
			continue
		}
		private, public, err := subtle.Generate(p, false, usesOf(p), seeded(3))
		if err != nil {
			t.Fatal(err)
		}
		if public == nil {
			public = private
		}
		pairs = append(pairs, pair{&subtle.Params{Name: p.Name, Hash: "SHA-256", NamedCurve: p.NamedCurve, Numbers: map[string]uint32{"saltLength": 32}}, private, public})
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(pairs).Draw(t, "key")
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		sig, err := subtle.Sign(k.p, k.private, text, seeded(4))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := subtle.Verify(k.p, k.public, sig, text); !ok || err != nil {
			t.Fatalf("%s: %v %v", k.p.Name, ok, err)
		}
		if ok, _ := subtle.Verify(k.p, k.public, sig, append(text, 'x')); ok {
			t.Fatalf("%s: another text has the same signature", k.p.Name)
		}
		sig[rapid.IntRange(0, len(sig)-1).Draw(t, "at")] ^= 1
		if ok, err := subtle.Verify(k.p, k.public, sig, text); ok || err != nil {
			t.Fatalf("%s: a changed signature: %v %v", k.p.Name, ok, err)
		}
	})
}

func TestOAEPComesBack(t *testing.T) {
	p := kinds()[len(kinds())-1]
	private, public, err := subtle.Generate(p, false, usesOf(p), seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	label := &subtle.Params{Name: p.Name, Octets: map[string][]byte{"label": []byte("l")}}
	sealed, err := subtle.Encrypt(label, public, []byte("hello"), seeded(4))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := subtle.Decrypt(label, private, sealed, nobody); err != nil || string(text) != "hello" {
		t.Errorf("%q %v", text, err)
	}
	if text, err := subtle.Decrypt(&subtle.Params{Name: p.Name}, private, sealed, nobody); err == nil {
		t.Errorf("without its label: %q", text)
	}
	if _, err := subtle.Encrypt(label, public, make([]byte, 191), seeded(4)); err == nil {
		t.Error("191 bytes fit in 2048 bits with SHA-256")
	}
}
