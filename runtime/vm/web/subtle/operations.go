package subtle

// Sign is SubtleCrypto.sign.
func Sign(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	if err := k.mayBe(UseSign, p); err != nil {
		return nil, err
	}
	return find(k.Name).sign(p, k, data, h)
}

// Verify is SubtleCrypto.verify. A signature that is none is false, and no error.
func Verify(p *Params, k *Key, signature, data []byte) (bool, error) {
	if err := k.mayBe(UseVerify, p); err != nil {
		return false, err
	}
	return find(k.Name).verify(p, k, signature, data)
}

// Encrypt is SubtleCrypto.encrypt.
func Encrypt(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	if err := k.mayBe(UseEncrypt, p); err != nil {
		return nil, err
	}
	return find(k.Name).encrypt(p, k, data, h)
}

// Decrypt is SubtleCrypto.decrypt.
func Decrypt(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	if err := k.mayBe(UseDecrypt, p); err != nil {
		return nil, err
	}
	return find(k.Name).decrypt(p, k, data, h)
}

// Wrap encrypts a key that was exported, for SubtleCrypto.wrapKey.
func Wrap(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	if err := k.mayBe(UseWrapKey, p); err != nil {
		return nil, err
	}
	return find(k.Name).encrypt(p, k, data, h)
}

// Unwrap decrypts one, for SubtleCrypto.unwrapKey.
func Unwrap(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	if err := k.mayBe(UseUnwrapKey, p); err != nil {
		return nil, err
	}
	return find(k.Name).decrypt(p, k, data, h)
}

// DeriveBits is SubtleCrypto.deriveBits. A negative number of bits means that
// there is none.
func DeriveBits(p *Params, k *Key, bits int) ([]byte, error) {
	if err := k.mayBe(UseDeriveBits, p); err != nil {
		return nil, err
	}
	return derive(p, k, bits)
}

func derive(p *Params, k *Key, bits int) ([]byte, error) {
	switch {
	case bits < 0:
		return nil, fail(nameOperation, "%s needs the number of bits to derive", p.Name)
	case bits%8 != 0:
		return nil, fail(nameOperation, "the number of bits to derive must be a multiple of 8, not %d", bits)
	case bits > 8*maxSecret:
		return nil, fail(nameOperation, "%d bits are too many to derive; the most is %d", bits, 8*maxSecret)
	}
	return find(k.Name).derive(p, k.material.([]byte), bits/8)
}

// DeriveKey is SubtleCrypto.deriveKey: bits are derived, as many as a key of
// the algorithm of length has, and imported as a key of the algorithm of into.
func DeriveKey(p *Params, k *Key, into, length *Params, extractable bool, u Usages) (*Key, error) {
	if err := k.mayBe(UseDeriveKey, p); err != nil {
		return nil, err
	}
	bits := -1 // of those that are no keys of a size: the derivation refuses it
	if keyLength := find(length.Name).keyLength; keyLength != nil {
		var err error
		if bits, err = keyLength(length); err != nil {
			return nil, err
		}
	}
	secret, err := derive(p, k, bits)
	if err != nil {
		return nil, err
	}
	return Import("raw", Material{Raw: secret}, into, extractable, u)
}
