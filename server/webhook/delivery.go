// What is made of a delivery once it has been verified.

package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"reprise/runtime/call"
	"reprise/runtime/script"
)

// ErrNotText is a body that is not text. Nothing that is JSON could hold it.
var ErrNotText = errors.New("the delivery's body is not text in UTF-8")

// input is what a script's run is started with.
type input struct {
	// ID is the sender's own id of what was delivered.
	ID *string `json:"id"`
	// Headers are by their names in small letters; of one that is there more than
	// once the values are joined by ", ".
	Headers map[string]string `json:"headers"`
	// Body is the value of a JSON body; of any other the text.
	Body json.RawMessage `json:"body"`
	// Text is the body as it came.
	Text string `json:"text"`
}

// credentials are headers that a script does not need and must not keep.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", call.DepthHeader}

// Input is what the script is started with, as JSON. What has verified the
// delivery is not in it: it has done its work, and would be kept with the run.
func (v *Verified) Input(d *Delivery) (json.RawMessage, error) {
	if !utf8.Valid(d.Body) {
		return nil, ErrNotText
	}
	in := input{Headers: map[string]string{}, Text: string(d.Body)}
	if v.Event != "" {
		in.ID = &v.Event
	}
	for name, values := range d.Header {
		if !slices.Contains(credentials, name) && !slices.ContainsFunc(v.private, func(p string) bool { return http.CanonicalHeaderKey(p) == name }) {
			in.Headers[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		}
	}
	if isJSON(d.Header.Get("Content-Type")) && json.Valid(d.Body) {
		in.Body = d.Body
	} else {
		text, err := call.Encode(in.Text)
		if err != nil {
			return nil, err
		}
		in.Body = text
	}
	return call.Encode(&in)
}

// isJSON reports whether a body of that type may be JSON. Senders that say
// nothing send JSON.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// maxKey is how long a key, or an id, is kept as it is.
const maxKey = 256

// keyOf returns what equal deliveries have in common.
func keyOf(dedupe *script.Dedupe, s *scheme, d *Delivery, event string) string {
	key := ""
	switch {
	case dedupe != nil && dedupe.Off:
	case dedupe != nil && dedupe.Key != "":
		key = prefixed("value ", valueAt(dedupe.Key, d))
	case event != "":
		key = "event " + event
	case s.once:
		if c, err := s.claim(d); err == nil { // it has been read before
			key = "message " + c.digest()
		}
	}
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		key = "sha256 " + hex.EncodeToString(sum[:])
	}
	return key
}

// shown is an id as it is kept with the run, and listed: text, and no longer than
// any that means something.
func shown(event string) string {
	return strings.ToValidUTF8(event[:min(len(event), maxKey)], "")
}

// valueAt follows "header.NAME" or "body.a.b". Only text and numbers are keys;
// anything else is as if it were not there.
func valueAt(path string, d *Delivery) string {
	where, rest, _ := strings.Cut(path, ".")
	if where == "header" {
		return d.Header.Get(rest)
	}
	return field(d.Body, strings.Split(rest, "."))
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// field returns the text or the number at a path of a JSON body, or "".
func field(body []byte, path []string) string {
	at := json.RawMessage(body)
	for _, name := range path {
		var list []json.RawMessage
		if i, err := strconv.Atoi(name); err == nil && json.Unmarshal(at, &list) == nil {
			if i < 0 || i >= len(list) {
				return ""
			}
			at = list[i]
			continue
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(at, &object) != nil {
			return ""
		}
		at = object[name]
	}
	var text string
	if json.Unmarshal(at, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(at, &number) == nil {
		return number.String()
	}
	return ""
}

func bodyField(name string) func(*Delivery) string {
	return func(d *Delivery) string { return field(d.Body, []string{name}) }
}

func headerField(name string) func(*Delivery) string {
	return func(d *Delivery) string { return d.Header.Get(name) }
}

// challengeOf returns what Slack wants to read when a URL is given to it.
func challengeOf(body []byte) string {
	var c struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(body, &c) != nil || c.Type != "url_verification" {
		return ""
	}
	return c.Challenge
}
