package connections

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// The form of a secret token: rps_NAME_ and tokenDigits hexadecimal digits. It
// is made of word characters only, so that no escaping of URLs, JSON or forms
// changes it.
const (
	tokenPrefix = "rps_"
	tokenDigits = 32
	// maxName bounds a secret's name, and so the search for a token's end.
	maxName = 128
)

// Token returns what a script gets to hold for the secret called name: the same
// within one run, unguessable from outside it.
func Token(key []byte, name string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name))
	return tokenPrefix + name + "_" + hex.EncodeToString(mac.Sum(nil)[:tokenDigits/2])
}

// HasToken reports whether text may hold a token. It is cheap, for hot paths.
func HasToken(text string) bool { return strings.Contains(text, tokenPrefix) }

// IsToken reports whether text is of a token's form, and nothing else.
func IsToken(text string) (name string, ok bool) {
	name, end := tokenAt([]byte(text), 0, func(string, []byte) bool { return true })
	return name, end == len(text) && end > 0
}

// Redact replaces everything that looks like a token by "secret:NAME": for log
// lines, targets and digests, which are the same for every run then.
func Redact(text string) string {
	if !HasToken(text) {
		return text
	}
	out, _ := replaceTokens([]byte(text), func(name string, _ []byte) ([]byte, bool) {
		return []byte("secret:" + name), true
	})
	return string(out)
}

// replaceTokens calls with for whatever looks like a token in text, and puts
// what it returns in its place where ok. changed is false when nothing was
// replaced; out is then text itself.
func replaceTokens(text []byte, with func(name string, token []byte) (value []byte, ok bool)) (out []byte, changed bool) {
	from := 0
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(tokenPrefix))
		if i < 0 {
			break
		}
		at += i
		var value []byte
		_, end := tokenAt(text, at, func(name string, token []byte) (ok bool) {
			value, ok = with(name, token)
			return ok
		})
		if end == 0 {
			at += len(tokenPrefix)
			continue
		}
		out = append(append(out, text[from:at]...), value...)
		at, from, changed = end, end, true
	}
	if !changed {
		return text, false
	}
	return append(out, text[from:]...), true
}

// tokenAt finds the token that begins at text[at] and that accept takes. Names
// hold underscores and digits too, so more than one end is possible; the first
// that is accepted counts. end is zero when there is none.
func tokenAt(text []byte, at int, accept func(name string, token []byte) bool) (name string, end int) {
	if !bytes.HasPrefix(text[at:], []byte(tokenPrefix)) {
		return "", 0
	}
	start := at + len(tokenPrefix)
	for i := start; i < len(text) && i-start <= maxName && isWord(text[i]); i++ {
		if i == start || text[i] != '_' || !hasDigits(text[i+1:]) {
			continue
		}
		end := i + 1 + tokenDigits
		if accept(string(text[start:i]), text[at:end]) {
			return string(text[start:i]), end
		}
	}
	return "", 0
}

func hasDigits(text []byte) bool {
	if len(text) < tokenDigits {
		return false
	}
	for _, c := range text[:tokenDigits] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// genuine reports whether token is what Token makes of key and name.
func genuine(key []byte, name string, token []byte) bool {
	return subtle.ConstantTimeCompare([]byte(Token(key, name)), token) == 1
}
