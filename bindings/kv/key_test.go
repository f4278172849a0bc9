package kv_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"reprise/bindings/kv"
)

// part draws a part of a key, with the awkward ones often.
func part() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "bytes") }),
		rapid.Custom(func(t *rapid.T) any {
			return string(rapid.SliceOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xFF, 0x100, 0xFFFF, 0x1F600}), 0, 5).Draw(t, "text"))
		}),
		rapid.Custom(func(t *rapid.T) any {
			f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, -1, math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324, -5e-324})).Draw(t, "number")
			return f + 0
		}),
		rapid.Custom(func(t *rapid.T) any {
			n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bigint"))
			if rapid.Bool().Draw(t, "negative") {
				n.Neg(n)
			}
			return n
		}),
		rapid.Custom(func(t *rapid.T) any { return rapid.Bool().Draw(t, "bool") }),
	)
}

func key() *rapid.Generator[kv.Key] {
	return rapid.Custom(func(t *rapid.T) kv.Key { return rapid.SliceOfN(part(), 0, 4).Draw(t, "key") })
}

// rank and compare say, without the codec, how keys are ordered.
func rank(p any) int {
	switch p := p.(type) {
	case []byte:
		return 1
	case string:
		return 2
	case float64:
		return 3
	case *big.Int:
		return 4
	case bool:
		if p {
			return 6
		}
	}
	return 5
}

func comparePart(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case string:
		return slices.Compare([]rune(a), []rune(b.(string)))
	case float64:
		return cmp.Compare(a, b.(float64))
	case *big.Int:
		return a.Cmp(b.(*big.Int))
	}
	return 0
}

func encode(t rapid.TB, k kv.Key) []byte {
	b, err := k.Encode()
	if err != nil {
		t.Fatalf("%v: %v", k, err)
	}
	return b
}

func TestKeyOrder(t *testing.T) {
	// Comparing the bytes is comparing the tuples.
	rapid.Check(t, func(t *rapid.T) {
		a, b := key().Draw(t, "a"), key().Draw(t, "b")
		if got, want := bytes.Compare(encode(t, a), encode(t, b)), slices.CompareFunc(a, b, comparePart); got != want {
			t.Fatalf("%s against %s: bytes say %d, tuples %d", a, b, got, want)
		}
	})
}

func TestKeyRoundTrips(t *testing.T) {
	// Both forms of a key give the key back.
	rapid.Check(t, func(t *rapid.T) {
		k := key().Draw(t, "key")
		got, err := kv.DecodeKey(encode(t, k))
		if err != nil || slices.CompareFunc(k, got, comparePart) != 0 {
			t.Fatalf("bytes: %s became %s (%v)", k, got, err)
		}
		text, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		if err := json.Unmarshal(text, &got); err != nil || slices.CompareFunc(k, got, comparePart) != 0 {
			t.Fatalf("JSON: %s became %s (%v)", text, got, err)
		}
	})
}

func TestKeyPrefixIsOneRange(t *testing.T) {
	// What begins with a key lies between the key followed by 0x00 and by 0xFF,
	// and nothing else does.
	rapid.Check(t, func(t *rapid.T) {
		prefix, other := key().Draw(t, "prefix"), key().Draw(t, "other")
		if rapid.Bool().Draw(t, "under") {
			other = append(slices.Clone(prefix), other...)
		}
		p, b := encode(t, prefix), encode(t, other)
		inside := bytes.Compare(b, append(slices.Clone(p), 0)) >= 0 && bytes.Compare(b, append(slices.Clone(p), 0xFF)) < 0
		under := len(other) > len(prefix) && slices.CompareFunc(other[:len(prefix)], prefix, comparePart) == 0
		if inside != under {
			t.Fatalf("%s under %s: %v by bytes, %v by parts", other, prefix, inside, under)
		}
	})
}

func TestKeyErrors(t *testing.T) {
	for _, k := range []kv.Key{{math.NaN()}, {"\xff"}, {nil}, {42}, {new(big.Int).Lsh(big.NewInt(1), 8*kv.MaxKey)}} {
		if b, err := k.Encode(); err == nil {
			t.Errorf("%v was encoded as %x", k, b)
		}
	}
	zero := encode(t, kv.Key{0.0})
	if negative := encode(t, kv.Key{math.Copysign(0, -1)}); !bytes.Equal(zero, negative) {
		t.Errorf("0 and -0 are two keys: %x, %x", zero, negative)
	}
}

func TestKeyString(t *testing.T) {
	for _, tc := range []struct {
		key  kv.Key
		want string
	}{
		{kv.Key{}, `[]`},
		{kv.Key{"orders", 42.0, true}, `["orders",42,true]`},
		{kv.Key{[]byte{1, 2}, big.NewInt(-7), math.Inf(-1)}, `[Uint8Array(2),-7n,-Infinity]`},
		{kv.Key{"<&>"}, `["<&>"]`},
	} {
		if got := tc.key.String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
	long := kv.Key{string(bytes.Repeat([]byte("ä"), 500)), "x"}
	if got := long.String(); len(got) > 100 {
		t.Errorf("a long key is shown in %d bytes", len(got))
	}
}

func FuzzDecodeKey(f *testing.F) {
	for _, k := range []kv.Key{{}, {"a", 1.0, true, false}, {[]byte{0, 255}, big.NewInt(-300), big.NewInt(0)}, {math.Inf(-1)}} {
		b, err := k.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// What is accepted is canonical: it encodes to the same bytes.
		k, err := kv.DecodeKey(b)
		if err != nil {
			return
		}
		again, err := k.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %v and then %x (%v)", b, k, again, err)
		}
	})
}

func FuzzKeyJSON(f *testing.F) {
	f.Add(`["a",1,true,{"$bytes":"AQI="},{"$bigint":"-5"},{"$number":"Infinity"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var k kv.Key
		if json.Unmarshal([]byte(text), &k) != nil {
			return
		}
		b, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		var again kv.Key
		if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(k, again) {
			t.Fatalf("%s became %v and then %v (%v)", text, k, again, err)
		}
	})
}

func BenchmarkKeyEncode(b *testing.B) {
	k := kv.Key{"orders", "2026-01-02", 42.0}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}
