// The table of algorithms: what each can do, with which members, and how.

package subtle

// algorithm is an algorithm with keys.
type algorithm struct {
	name string
	// ops are the operations it has, with the members of their argument; a
	// question mark makes one optional.
	ops map[Op]string
	// What a key of each type may be used for. An algorithm with pairs has no
	// secret keys.
	secret, public, private Usages
	// formats are those of importKey and exportKey.
	formats string
	// load makes the material of a key of a format; save the opposite.
	load func(p *Params, format string, m Material) (material any, info Info, err error)
	save func(k *Key, format string) (Material, error)
	// generate makes a secret, or a private key.
	generate func(p *Params, h Host) (material any, info Info, err error)
	// jwkName is the alg of a JSON Web Key of it, or several.
	jwkNames func(info *Info) []string
	// What its keys do; those that its ops name are there.
	sign             func(p *Params, k *Key, data []byte, h Host) ([]byte, error)
	verify           func(p *Params, k *Key, signature, data []byte) (bool, error)
	encrypt, decrypt func(p *Params, k *Key, data []byte, h Host) ([]byte, error)
	derive           func(p *Params, secret []byte, n int) ([]byte, error)
	keyLength        func(p *Params) (bits int, err error)
}

const (
	cipherUses = UseEncrypt | UseDecrypt | UseWrapKey | UseUnwrapKey
	deriveUses = UseDeriveKey | UseDeriveBits
)

var algorithms = [...]*algorithm{
	{
		name: "HMAC", secret: UseSign | UseVerify, formats: "raw jwk",
		ops:  map[Op]string{OpImport: "hash length?", OpGenerate: "hash length?", OpGetKeyLength: "hash length?", OpSign: "", OpVerify: ""},
		load: loadHMAC, save: saveSecret, generate: generateHMAC, jwkNames: hmacNames,
		sign: signHMAC, verify: verifyHMAC, keyLength: hmacLength,
	},
	{
		name: "AES-GCM", secret: cipherUses, formats: "raw jwk",
		ops: map[Op]string{
			OpImport: "", OpGenerate: "length", OpGetKeyLength: "length",
			OpEncrypt: "additionalData? iv tagLength?", OpDecrypt: "additionalData? iv tagLength?",
		},
		load: loadAES, save: saveSecret, generate: generateAES, jwkNames: aesNames("GCM"),
		encrypt: sealGCM, decrypt: openGCM, keyLength: aesLength,
	},
	{
		name: "AES-CBC", secret: cipherUses, formats: "raw jwk",
		ops:  map[Op]string{OpImport: "", OpGenerate: "length", OpGetKeyLength: "length", OpEncrypt: "iv", OpDecrypt: "iv"},
		load: loadAES, save: saveSecret, generate: generateAES, jwkNames: aesNames("CBC"),
		encrypt: encryptCBC, decrypt: decryptCBC, keyLength: aesLength,
	},
	{
		name: "ECDSA", public: UseVerify, private: UseSign, formats: "raw spki pkcs8 jwk",
		ops:  map[Op]string{OpImport: "namedCurve", OpGenerate: "namedCurve", OpSign: "hash", OpVerify: "hash"},
		load: loadEC, save: saveEC, generate: generateEC, jwkNames: ecNames,
		sign: signEC, verify: verifyEC,
	},
	{
		name: "Ed25519", public: UseVerify, private: UseSign, formats: "raw spki pkcs8 jwk",
		ops:  map[Op]string{OpImport: "", OpGenerate: "", OpSign: "", OpVerify: ""},
		load: loadEd25519, save: saveEd25519, generate: generateEd25519, jwkNames: ed25519Names,
		sign: signEd25519, verify: verifyEd25519,
	},
	{
		name: "RSASSA-PKCS1-v1_5", public: UseVerify, private: UseSign, formats: "spki pkcs8 jwk",
		ops:  map[Op]string{OpImport: "hash", OpGenerate: "hash modulusLength publicExponent", OpSign: "", OpVerify: ""},
		load: loadRSA, save: saveRSA, generate: generateRSA, jwkNames: rsaNames("RS"),
		sign: signPKCS1, verify: verifyPKCS1,
	},
	{
		name: "RSA-PSS", public: UseVerify, private: UseSign, formats: "spki pkcs8 jwk",
		ops:  map[Op]string{OpImport: "hash", OpGenerate: "hash modulusLength publicExponent", OpSign: "saltLength", OpVerify: "saltLength"},
		load: loadRSA, save: saveRSA, generate: generateRSA, jwkNames: rsaNames("PS"),
		sign: signPSS, verify: verifyPSS,
	},
	{
		name: "RSA-OAEP", public: UseEncrypt | UseWrapKey, private: UseDecrypt | UseUnwrapKey, formats: "spki pkcs8 jwk",
		ops:  map[Op]string{OpImport: "hash", OpGenerate: "hash modulusLength publicExponent", OpEncrypt: "label?", OpDecrypt: "label?"},
		load: loadRSA, save: saveRSA, generate: generateRSA, jwkNames: rsaNames("RSA-OAEP"),
		encrypt: encryptOAEP, decrypt: decryptOAEP,
	},
	{
		name: "PBKDF2", secret: deriveUses, formats: "raw",
		ops:  map[Op]string{OpImport: "", OpDerive: "hash iterations salt", OpGetKeyLength: ""},
		load: loadSecret, derive: derivePBKDF2,
	},
	{
		name: "HKDF", secret: deriveUses, formats: "raw",
		ops:  map[Op]string{OpImport: "", OpDerive: "hash info salt", OpGetKeyLength: ""},
		load: loadSecret, derive: deriveHKDF,
	},
}

// find returns an algorithm by the name that Members gave.
func find(name string) *algorithm {
	for _, a := range algorithms {
		if a.name == name {
			return a
		}
	}
	return nil
}

// allowed returns what a key of a type may be used for.
func (a *algorithm) allowed(keyType string) Usages {
	switch keyType {
	case publicKey:
		return a.public
	case privateKey:
		return a.private
	}
	return a.secret
}
