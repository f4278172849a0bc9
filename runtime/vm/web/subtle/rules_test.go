package subtle_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"reprise/runtime/vm/web/subtle"
)

// named fails the test unless err has one of the standard's names.
func named(t *testing.T, what string, err error, name string) {
	t.Helper()
	if e, ok := errors.AsType[*subtle.Error](err); !ok || e.Name != name {
		t.Errorf("%s: error %v, want a %s", what, err, name)
	}
}

func TestNamesOfAlgorithms(t *testing.T) {
	if name, members, err := subtle.Members(subtle.OpEncrypt, "aes-gcm"); name != "AES-GCM" || len(members) != 3 || err != nil {
		t.Errorf("%s %v %v", name, members, err)
	}
	if name, _, err := subtle.Members(subtle.OpDigest, "sha-256"); name != "SHA-256" || err != nil {
		t.Errorf("%s %v", name, err)
	}
	for op, name := range map[subtle.Op]string{subtle.OpDigest: "MD5", subtle.OpSign: "AES-GCM", subtle.OpEncrypt: "ECDH", subtle.OpGenerate: "PBKDF2", subtle.OpGetKeyLength: "ECDSA"} {
		_, _, err := subtle.Members(op, name)
		named(t, string(op)+" "+name, err, "NotSupportedError")
	}
	_, err := subtle.ParseUsages([]string{"sign", "paint"})
	named(t, "usage", err, "TypeError")
}

func TestKeysAreUsedForWhatTheyAreFor(t *testing.T) {
	ecdsa := &subtle.Params{Name: "ECDSA", NamedCurve: "P-256", Hash: "SHA-256"}
	private, public, err := subtle.Generate(ecdsa, false, subtle.UseSign|subtle.UseVerify, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = subtle.Sign(ecdsa, public, nil, nobody)
	named(t, "sign with a public key", err, "InvalidAccessError")
	_, err = subtle.Verify(ecdsa, private, nil, nil)
	named(t, "verify with a private key", err, "InvalidAccessError")
	_, err = subtle.Sign(&subtle.Params{Name: "HMAC"}, private, nil, nobody)
	named(t, "sign with a key of another algorithm", err, "InvalidAccessError")
	_, err = subtle.Export("pkcs8", private)
	named(t, "export what is not extractable", err, "InvalidAccessError")
	_, err = subtle.Export("pkcs8", public)
	named(t, "export a public key as pkcs8", err, "InvalidAccessError")
	_, _, err = subtle.Generate(ecdsa, false, subtle.UseVerify, seeded(1))
	named(t, "generate for verify only", err, "SyntaxError")
	_, _, err = subtle.Generate(ecdsa, false, subtle.UseSign|subtle.UseEncrypt, seeded(1))
	named(t, "generate for encrypt", err, "SyntaxError")
	_, err = subtle.Import("raw", subtle.Material{Raw: make([]byte, 16)}, &subtle.Params{Name: "AES-GCM"}, true, subtle.UseSign)
	named(t, "import AES for sign", err, "SyntaxError")
	_, err = subtle.Import("raw", subtle.Material{Raw: make([]byte, 16)}, &subtle.Params{Name: "AES-GCM"}, true, 0)
	named(t, "import AES for nothing", err, "SyntaxError")
	_, err = subtle.Import("raw", subtle.Material{Raw: make([]byte, 15)}, &subtle.Params{Name: "AES-GCM"}, true, subtle.UseEncrypt)
	named(t, "import AES of 120 bits", err, "DataError")
	_, err = subtle.Import("raw", subtle.Material{}, &subtle.Params{Name: "HMAC", Hash: "SHA-256"}, true, subtle.UseSign)
	named(t, "import an empty HMAC key", err, "DataError")
	_, err = subtle.Import("spki", subtle.Material{}, &subtle.Params{Name: "HMAC", Hash: "SHA-256"}, true, subtle.UseSign)
	named(t, "import an HMAC key as spki", err, "NotSupportedError")
	_, err = subtle.Import("raw", subtle.Material{Raw: []byte("x")}, &subtle.Params{Name: "PBKDF2"}, true, subtle.UseDeriveBits)
	named(t, "import an extractable password", err, "SyntaxError")
}

func TestJSONWebKeysSayWhatTheyAre(t *testing.T) {
	hmac := &subtle.Params{Name: "HMAC", Hash: "SHA-256"}
	no := false
	with := func(change func(*subtle.JWK)) subtle.Material {
		m := jwk("kty", "oct", "k", "AAECAw", "alg", "HS256", "use", "sig")
		m.JWK.KeyOps = []string{"sign", "verify", "other"}
		change(m.JWK)
		return m
	}
	if _, err := subtle.Import("jwk", with(func(*subtle.JWK) {}), hmac, true, subtle.UseSign); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*subtle.JWK){
		"kty":     func(j *subtle.JWK) { j.Text["kty"] = "RSA" },
		"alg":     func(j *subtle.JWK) { j.Text["alg"] = "HS512" },
		"use":     func(j *subtle.JWK) { j.Text["use"] = "enc" },
		"ops":     func(j *subtle.JWK) { j.KeyOps = []string{"verify"} },
		"twice":   func(j *subtle.JWK) { j.KeyOps = []string{"sign", "sign"} },
		"ext":     func(j *subtle.JWK) { j.Ext = &no },
		"padding": func(j *subtle.JWK) { j.Text["k"] = "AAECAw==" },
		"line":    func(j *subtle.JWK) { j.Text["k"] = "AAEC\nAw" },
		"bits":    func(j *subtle.JWK) { j.Text["k"] = "AAECAx" },
		"absent":  func(j *subtle.JWK) { delete(j.Text, "k") },
	} {
		_, err := subtle.Import("jwk", with(change), hmac, true, subtle.UseSign)
		named(t, what, err, "DataError")
	}
}

func TestPairsBelongTogether(t *testing.T) {
	// A private key whose parts are not of one key is refused: a signature with
	// it could tell others the key.
	rs := &subtle.Params{Name: "RSA-PSS", Hash: "SHA-256"}
	for _, name := range []string{"n", "d", "p", "q", "dp", "dq", "qi"} {
		m := rfc7515RSA(t)
		b := un64(t, m.JWK.Text[name])
		b[len(b)-1] ^= 2
		m.JWK.Text[name] = base64.RawURLEncoding.EncodeToString(b)
		_, err := subtle.Import("jwk", m, rs, true, subtle.UseSign)
		named(t, name, err, "DataError")
	}
	ec := jwk("kty", "EC", "crv", "P-256", "x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d", "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LM")
	p := &subtle.Params{Name: "ECDSA", NamedCurve: "P-256"}
	_, err := subtle.Import("jwk", ec, p, true, subtle.UseSign)
	named(t, "d of another EC key", err, "DataError")
	ec.JWK.Text["d"] = ""
	_, err = subtle.Import("jwk", ec, p, true, subtle.UseSign)
	named(t, "an empty d", err, "DataError")
	_, err = subtle.Import("jwk", ec, &subtle.Params{Name: "ECDSA", NamedCurve: "P-384"}, true, subtle.UseSign)
	named(t, "another curve", err, "DataError")
	_, err = subtle.Import("raw", subtle.Material{Raw: append([]byte{4}, make([]byte, 64)...)}, p, true, subtle.UseVerify)
	named(t, "no point", err, "DataError")
	_, err = subtle.Import("jwk", jwk("kty", "EC"), &subtle.Params{Name: "ECDSA", NamedCurve: "P-224"}, true, subtle.UseVerify)
	named(t, "unknown curve", err, "NotSupportedError")
}

func TestWhatTakesTooLongIsRefused(t *testing.T) {
	password, err := subtle.Import("raw", subtle.Material{Raw: []byte("x")}, &subtle.Params{Name: "PBKDF2"}, false, subtle.UseDeriveBits|subtle.UseDeriveKey)
	if err != nil {
		t.Fatal(err)
	}
	pbkdf2 := func(iterations uint32) *subtle.Params {
		return &subtle.Params{Name: "PBKDF2", Hash: "SHA-256", Numbers: map[string]uint32{"iterations": iterations}}
	}
	for what, f := range map[string]func() error{
		"iterations":    func() error { _, err := subtle.DeriveBits(pbkdf2(1_000_001), password, 256); return err },
		"and more bits": func() error { _, err := subtle.DeriveBits(pbkdf2(500_001), password, 512); return err },
		"salt": func() error {
			p := pbkdf2(1)
			p.Octets = map[string][]byte{"salt": make([]byte, 64<<20)}
			_, err := subtle.DeriveBits(p, password, 512)
			return err
		},
		"info": func() error {
			k, err := subtle.Import("raw", subtle.Material{Raw: []byte("x")}, &subtle.Params{Name: "HKDF"}, false, subtle.UseDeriveBits)
			if err != nil {
				return err
			}
			_, err = subtle.DeriveBits(&subtle.Params{Name: "HKDF", Hash: "SHA-256", Octets: map[string][]byte{"info": make([]byte, 1<<20)}}, k, 65*256)
			return err
		},
		"no iterations": func() error { _, err := subtle.DeriveBits(pbkdf2(0), password, 256); return err },
		"no length":     func() error { _, err := subtle.DeriveBits(pbkdf2(1), password, -1); return err },
		"half a byte":   func() error { _, err := subtle.DeriveBits(pbkdf2(1), password, 4); return err },
		"length":        func() error { _, err := subtle.DeriveBits(pbkdf2(1), password, 1<<20); return err },
		"password of it": func() error {
			_, err := subtle.DeriveKey(pbkdf2(1), password, &subtle.Params{Name: "HKDF"}, &subtle.Params{Name: "HKDF"}, false, subtle.UseDeriveBits)
			return err
		},
		"HMAC key": func() error {
			_, _, err := subtle.Generate(&subtle.Params{Name: "HMAC", Hash: "SHA-1", Numbers: map[string]uint32{"length": 1 << 31}}, false, subtle.UseSign, nobody)
			return err
		},
	} {
		named(t, what, f(), "OperationError")
	}
	for _, bits := range []uint32{1024, 2047, 3072, 1 << 31} {
		_, _, err := subtle.Generate(&subtle.Params{Name: "RSA-PSS", Hash: "SHA-256", Numbers: map[string]uint32{"modulusLength": bits}, Octets: map[string][]byte{"publicExponent": {1, 0, 1}}}, false, subtle.UseSign, nobody)
		named(t, "RSA key", err, "NotSupportedError")
	}
	huge := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 1025)))
	_, err = subtle.Import("jwk", jwk("kty", "RSA", "n", huge, "e", "AQAB"), &subtle.Params{Name: "RSA-PSS", Hash: "SHA-256"}, true, subtle.UseVerify)
	named(t, "8,200 bits", err, "NotSupportedError")
	_, err = subtle.Import("spki", subtle.Material{Raw: make([]byte, 1<<20)}, &subtle.Params{Name: "RSA-PSS", Hash: "SHA-256"}, true, subtle.UseVerify)
	named(t, "a megabyte of DER", err, "DataError")
	_, err = subtle.Import("jwk", jwk("kty", "RSA", "n", strings.Repeat("A", 1<<20), "e", "AQAB"), &subtle.Params{Name: "RSA-PSS", Hash: "SHA-256"}, true, subtle.UseVerify)
	named(t, "a megabyte of n", err, "DataError")
}

func TestRSAGenerationCanBeStopped(t *testing.T) {
	// It asks now and then whether it may go on.
	h := seeded(1)
	h.Pause = func() { panic("stopped") }
	defer func() {
		if recover() != "stopped" {
			t.Error("it did not ask")
		}
	}()
	_, _, _ = subtle.Generate(&subtle.Params{Name: "RSA-PSS", Hash: "SHA-256", Numbers: map[string]uint32{"modulusLength": 2048}, Octets: map[string][]byte{"publicExponent": {1, 0, 1}}}, false, subtle.UseSign, h)
}

func TestDeriveKeyTakesTheLengthOfTheKey(t *testing.T) {
	password, err := subtle.Import("raw", subtle.Material{Raw: []byte("x")}, &subtle.Params{Name: "HKDF"}, false, subtle.UseDeriveKey)
	if err != nil {
		t.Fatal(err)
	}
	p := &subtle.Params{Name: "HKDF", Hash: "SHA-256"}
	for bits, into := range map[int]*subtle.Params{
		192: {Name: "AES-CBC", Numbers: map[string]uint32{"length": 192}}, 1024: {Name: "HMAC", Hash: "SHA-512"}, 64: {Name: "HMAC", Hash: "SHA-512", Numbers: map[string]uint32{"length": 64}},
	} {
		k, err := subtle.DeriveKey(p, password, into, into, true, usesOf(into))
		if err != nil || k.Length != bits {
			t.Errorf("%s: %+v %v, want %d bits", into.Name, k, err, bits)
		}
	}
	_, err = subtle.DeriveBits(p, password, 256)
	named(t, "deriveBits with a key for deriveKey", err, "InvalidAccessError")
}

// FuzzImport: whatever a key looks like, it is a key or an error with a name.
func FuzzImport(f *testing.F) {
	for _, p := range kinds()[:10] {
		key, public, err := subtle.Generate(p, true, usesOf(p), seeded(1))
		if err != nil {
			f.Fatal(err)
		}
		for _, k := range []*subtle.Key{key, public} {
			for _, format := range []string{"raw", "spki", "pkcs8"} {
				if k == nil {
					continue
				}
				if m, err := subtle.Export(format, k); err == nil {
					f.Add(format, m.Raw)
				}
			}
		}
	}
	all := kinds()
	f.Fuzz(func(t *testing.T, format string, b []byte) {
		for _, p := range all {
			m := subtle.Material{Raw: b}
			if format == "jwk" {
				m = jwk("kty", "RSA", "n", base64.RawURLEncoding.EncodeToString(b), "e", "AQAB")
			}
			k, err := subtle.Import(format, m, p, true, subtle.UseVerify)
			if e, ok := errors.AsType[*subtle.Error](err); err != nil && !ok || ok && e.Message == "" {
				t.Fatalf("%s: %v", p.Name, err)
			}
			if err == nil {
				if _, err := subtle.Export(format, k); err != nil {
					t.Fatalf("%s can not be written as %s: %v", p.Name, format, err)
				}
			}
		}
	})
}
