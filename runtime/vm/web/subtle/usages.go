package subtle

import "strings"

// Usages is what a key may be used for.
type Usages uint16

// The usages, in the standard's order.
const (
	UseEncrypt Usages = 1 << iota
	UseDecrypt
	UseSign
	UseVerify
	UseDeriveKey
	UseDeriveBits
	UseWrapKey
	UseUnwrapKey
)

var usageNames = [...]string{"encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"}

// ParseUsages reads a list of names. One that does not exist is a TypeError.
func ParseUsages(names []string) (u Usages, err error) {
	for _, name := range names {
		one := usageOf(name)
		if one == 0 {
			return 0, fail(nameType, "%q is not a key usage; they are %s", clip(name), strings.Join(usageNames[:], ", "))
		}
		u |= one
	}
	return u, nil
}

func usageOf(name string) Usages {
	for i, n := range usageNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Names lists the usages in the standard's order.
func (u Usages) Names() []string {
	names := []string{}
	for i, name := range usageNames {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// clip shows a piece of the script's text in a message.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
