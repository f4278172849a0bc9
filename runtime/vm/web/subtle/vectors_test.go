package subtle_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"reprise/runtime/vm/web/subtle"
)

// unhex reads hexadecimal digits.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// un64 reads base64url without padding.
func un64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustImport(t testing.TB, format string, m subtle.Material, p *subtle.Params, u subtle.Usages) *subtle.Key {
	t.Helper()
	k, err := subtle.Import(format, m, p, true, u)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func jwk(fields ...string) subtle.Material {
	j := &subtle.JWK{Text: map[string]string{}}
	for i := 0; i < len(fields); i += 2 {
		j.Text[fields[i]] = fields[i+1]
	}
	return subtle.Material{JWK: j}
}

// nobody is a host that draws nothing.
var nobody = subtle.Host{Random: func([]byte) { panic("nothing may be drawn here") }, Pause: func() {}}

func TestHMACOfRFC4231(t *testing.T) {
	long := strings.Repeat("aa", 131)
	for _, tc := range []struct{ hash, key, data, want string }{
		{"SHA-256", strings.Repeat("0b", 20), hex.EncodeToString([]byte("Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"SHA-384", strings.Repeat("0b", 20), hex.EncodeToString([]byte("Hi There")), "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
		{"SHA-512", strings.Repeat("0b", 20), hex.EncodeToString([]byte("Hi There")), "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
		{"SHA-256", hex.EncodeToString([]byte("Jefe")), hex.EncodeToString([]byte("what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"SHA-256", long, hex.EncodeToString([]byte("Test Using Larger Than Block-Size Key - Hash Key First")), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{"SHA-1", strings.Repeat("0b", 20), hex.EncodeToString([]byte("Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00"}, // RFC 2202
	} {
		k := mustImport(t, "raw", subtle.Material{Raw: unhex(t, tc.key)}, &subtle.Params{Name: "HMAC", Hash: tc.hash}, subtle.UseSign|subtle.UseVerify)
		p := &subtle.Params{Name: "HMAC"}
		got, err := subtle.Sign(p, k, unhex(t, tc.data), nobody)
		if err != nil || hex.EncodeToString(got) != tc.want {
			t.Errorf("%s: %x %v, want %s", tc.hash, got, err, tc.want)
		}
		if ok, err := subtle.Verify(p, k, got, unhex(t, tc.data)); !ok || err != nil {
			t.Errorf("%s: %v %v", tc.hash, ok, err)
		}
		if ok, _ := subtle.Verify(p, k, got[1:], unhex(t, tc.data)); ok {
			t.Errorf("%s: a short signature is right", tc.hash)
		}
	}
}

func TestECDSAOfRFC6979(t *testing.T) {
	for _, tc := range []struct{ curve, hash, x, y, d, text, want string }{
		{
			"P-256", "SHA-256", "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6", "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
			"C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721", "sample",
			"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		},
		{
			"P-256", "SHA-256", "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6", "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
			"C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721", "test",
			"F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
		},
		{
			"P-384", "SHA-384", "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13", "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
			"6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5", "sample",
			"94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE4699EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
		},
		{
			"P-521", "SHA-512", "01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB633155D38FFA16D2BD761DCAC474B9A2F5023A4",
			"00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28A0DB25741B5B34A828008B22ACC23F924FAAFBD4D33F81EA66956DFEAA2BFDFCF5",
			"00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538", "sample",
			"00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A",
		},
	} {
		enc := func(s string) string { return base64.RawURLEncoding.EncodeToString(unhex(t, s)) }
		p := &subtle.Params{Name: "ECDSA", NamedCurve: tc.curve, Hash: tc.hash}
		private := mustImport(t, "jwk", jwk("kty", "EC", "crv", tc.curve, "x", enc(tc.x), "y", enc(tc.y), "d", enc(tc.d)), p, subtle.UseSign)
		public := mustImport(t, "raw", subtle.Material{Raw: unhex(t, "04"+tc.x+tc.y)}, p, subtle.UseVerify)
		got, err := subtle.Sign(p, private, []byte(tc.text), nobody)
		if err != nil || !strings.EqualFold(hex.EncodeToString(got), tc.want) {
			t.Errorf("%s: %x %v, want %s", tc.curve, got, err, tc.want)
		}
		if ok, err := subtle.Verify(p, public, got, []byte(tc.text)); !ok || err != nil {
			t.Errorf("%s: %v %v", tc.curve, ok, err)
		}
		if ok, _ := subtle.Verify(p, public, got, []byte(tc.text+"!")); ok {
			t.Errorf("%s: another text has the same signature", tc.curve)
		}
		if ok, _ := subtle.Verify(p, public, append(got, 0), []byte(tc.text)); ok {
			t.Errorf("%s: a long signature is right", tc.curve)
		}
		if ok, _ := subtle.Verify(p, public, make([]byte, len(got)), []byte(tc.text)); ok {
			t.Errorf("%s: zeros are a signature", tc.curve)
		}
	}
}

func TestEd25519OfRFC8032(t *testing.T) {
	for _, tc := range []struct{ seed, public, text, want string }{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
		{
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		},
	} {
		enc := func(s string) string { return base64.RawURLEncoding.EncodeToString(unhex(t, s)) }
		p := &subtle.Params{Name: "Ed25519"}
		private := mustImport(t, "jwk", jwk("kty", "OKP", "crv", "Ed25519", "x", enc(tc.public), "d", enc(tc.seed)), p, subtle.UseSign)
		public := mustImport(t, "raw", subtle.Material{Raw: unhex(t, tc.public)}, p, subtle.UseVerify)
		got, err := subtle.Sign(p, private, unhex(t, tc.text), nobody)
		if err != nil || hex.EncodeToString(got) != tc.want {
			t.Errorf("%x %v, want %s", got, err, tc.want)
		}
		if ok, err := subtle.Verify(p, public, got, unhex(t, tc.text)); !ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
	}
}

// The text of the examples of RFC 7515: the payload, in base64url.
const jwsPayload = ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

// rfc7515RSA is the key of A.2; its dp, dq and qi follow from the others.
func rfc7515RSA(t testing.TB) subtle.Material {
	m := jwk("kty", "RSA", "e", "AQAB",
		"n", "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
		"d", "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
		"p", "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
		"q", "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc")
	one := big.NewInt(1)
	num := func(name string) *big.Int { return new(big.Int).SetBytes(un64(t, m.JWK.Text[name])) }
	set := func(name string, n *big.Int) { m.JWK.Text[name] = base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	p, q, d := num("p"), num("q"), num("d")
	set("dp", new(big.Int).Mod(d, new(big.Int).Sub(p, one)))
	set("dq", new(big.Int).Mod(d, new(big.Int).Sub(q, one)))
	set("qi", new(big.Int).ModInverse(q, p))
	return m
}

func TestSignaturesOfRFC7515(t *testing.T) {
	// A.1 to A.3 of RFC 7515, and A.4 of RFC 8037. ECDSA signatures of others are
	// not made again, because ours are those of RFC 6979.
	ec := func(d bool) subtle.Material {
		m := jwk("kty", "EC", "crv", "P-256", "x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
		if d {
			m.JWK.Text["d"] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
		}
		return m
	}
	rsaPublic := rfc7515RSA(t)
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		delete(rsaPublic.JWK.Text, name)
	}
	okp := func(d bool) subtle.Material {
		m := jwk("kty", "OKP", "crv", "Ed25519", "x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
		if d {
			m.JWK.Text["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
		}
		return m
	}
	oct := jwk("kty", "oct", "k", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	for _, tc := range []struct {
		p               *subtle.Params
		private, public subtle.Material
		text, signature string
		again           bool
	}{
		{&subtle.Params{Name: "HMAC", Hash: "SHA-256"}, oct, oct, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + jwsPayload, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", true},
		{&subtle.Params{Name: "RSASSA-PKCS1-v1_5", Hash: "SHA-256"}, rfc7515RSA(t), rsaPublic, "eyJhbGciOiJSUzI1NiJ9" + jwsPayload, "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw", true},
		{&subtle.Params{Name: "ECDSA", NamedCurve: "P-256", Hash: "SHA-256"}, ec(true), ec(false), "eyJhbGciOiJFUzI1NiJ9" + jwsPayload, "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", false},
		{&subtle.Params{Name: "Ed25519"}, okp(true), okp(false), "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", true},
	} {
		private := mustImport(t, "jwk", tc.private, tc.p, subtle.UseSign)
		public := mustImport(t, "jwk", tc.public, tc.p, subtle.UseVerify)
		if ok, err := subtle.Verify(tc.p, public, un64(t, tc.signature), []byte(tc.text)); !ok || err != nil {
			t.Errorf("%s: %v %v", tc.p.Name, ok, err)
		}
		got, err := subtle.Sign(tc.p, private, []byte(tc.text), nobody)
		if err != nil || tc.again && !bytes.Equal(got, un64(t, tc.signature)) {
			t.Errorf("%s: %x %v", tc.p.Name, got, err)
		}
		if ok, _ := subtle.Verify(tc.p, public, got, []byte(tc.text)); !ok {
			t.Errorf("%s: our own is wrong", tc.p.Name)
		}
	}
}

func TestDerivationsOfTheRFCs(t *testing.T) {
	// RFC 5869 for HKDF; RFC 6070 and RFC 7914 (section 11) for PBKDF2.
	text := func(s string) string { return hex.EncodeToString([]byte(s)) }
	for _, tc := range []struct {
		name, hash, secret, salt, info string
		iterations                     uint32
		want                           string
	}{
		{"HKDF", "SHA-256", strings.Repeat("0b", 22), "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", 0, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		{"HKDF", "SHA-256", strings.Repeat("0b", 22), "", "", 0, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
		{"HKDF", "SHA-1", strings.Repeat("0b", 11), "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", 0, "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"},
		{"PBKDF2", "SHA-1", text("password"), text("salt"), "", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
		{"PBKDF2", "SHA-1", text("password"), text("salt"), "", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
		{"PBKDF2", "SHA-1", text("password"), text("salt"), "", 4096, "4b007901b765489abead49d926f721d065a429c1"},
		{"PBKDF2", "SHA-1", text("passwordPASSWORDpassword"), text("saltSALTsaltSALTsaltSALTsaltSALTsalt"), "", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
		{"PBKDF2", "SHA-1", text("pass\x00word"), text("sa\x00lt"), "", 4096, "56fa6aa75548099dcc37d7f03425e0c3"},
		{"PBKDF2", "SHA-256", text("passwd"), text("salt"), "", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
	} {
		k, err := subtle.Import("raw", subtle.Material{Raw: unhex(t, tc.secret)}, &subtle.Params{Name: tc.name}, false, subtle.UseDeriveBits)
		if err != nil {
			t.Fatal(err)
		}
		p := &subtle.Params{Name: tc.name, Hash: tc.hash, Numbers: map[string]uint32{"iterations": tc.iterations}, Octets: map[string][]byte{"salt": unhex(t, tc.salt), "info": unhex(t, tc.info)}}
		got, err := subtle.DeriveBits(p, k, 4*len(tc.want))
		if err != nil || hex.EncodeToString(got) != tc.want {
			t.Errorf("%s %s %d: %x %v, want %s", tc.name, tc.hash, tc.iterations, got, err, tc.want)
		}
	}
}

func TestAESOfNIST(t *testing.T) {
	// The test cases of McGrew and Viega that NIST took over for GCM, numbers 2, 3,
	// 4, 5 and 16; SP 800-38A for CBC, with a block of padding at the end.
	const (
		key4  = "feffe9928665731c6d6a8f9467308308"
		text4 = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
		aad4  = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
	)
	for _, tc := range []struct{ name, key, iv, aad, text, want string }{
		{"AES-GCM", strings.Repeat("00", 16), strings.Repeat("00", 12), "", strings.Repeat("00", 16), "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
		{"AES-GCM", key4, "cafebabefacedbaddecaf888", "", text4 + "1aafd255", "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4"},
		{"AES-GCM", key4, "cafebabefacedbaddecaf888", aad4, text4, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
		{"AES-GCM", key4, "cafebabefacedbad", aad4, text4, "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f45983612d2e79e3b0785561be14aaca2fccb"},
		{"AES-GCM", key4 + key4, "cafebabefacedbaddecaf888", aad4, text4, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
		{"AES-CBC", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f", "", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51", "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
	} {
		k := mustImport(t, "raw", subtle.Material{Raw: unhex(t, tc.key)}, &subtle.Params{Name: tc.name}, subtle.UseEncrypt|subtle.UseDecrypt)
		p := &subtle.Params{Name: tc.name, Octets: map[string][]byte{"iv": unhex(t, tc.iv), "additionalData": unhex(t, tc.aad)}}
		got, err := subtle.Encrypt(p, k, unhex(t, tc.text), nobody)
		if err != nil || !strings.HasPrefix(hex.EncodeToString(got), tc.want) || tc.name == "AES-GCM" && len(tc.want) != 2*len(got) {
			t.Errorf("%s %s: %x %v, want %s", tc.name, tc.iv, got, err, tc.want)
		}
		back, err := subtle.Decrypt(p, k, got, nobody)
		if err != nil || hex.EncodeToString(back) != tc.text {
			t.Errorf("%s %s: back %x %v", tc.name, tc.iv, back, err)
		}
	}
}
