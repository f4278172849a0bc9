package call_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"reprise/runtime/call"
)

var update = flag.Bool("update", false, "write docs/reference/errors.md from the catalogue")

const errorsPage = "../../docs/reference/errors.md"

// pageHead is what the page says before the list.
const pageHead = `# Errors

<!-- Made from the catalogue in runtime/call by: go test ./runtime/call -run TestErrorsPage -update -->

Every error of Reprise has a name that ends in ` + "`Error`" + ` (` + "`err.name`" + `) and the same in capitals as a code (` + "`err.code`" + `). Decide by
the code, not by the text: texts get better over time.

` + "```ts" + `
try {
  await http.get(url).json();
} catch (err) {
  if (err.code !== "HTTP_ERROR" || err.status !== 404) throw err;
}
` + "```" + `

The admin API and the script origin answer with the same codes, as ` + "`application/problem+json`" + ` (RFC 9457):
` + "`{ type, title, status, detail, code, hint?, run?, errors? }`" + `. Errors of the language keep their names; over HTTP they get
a code made of it (` + "`TypeError`" + ` is ` + "`TYPE_ERROR`" + `). A script may throw errors with codes of its own.

Further fields: an ` + "`HTTPError`" + ` has those of [reprise:http](http.md#errors); a ` + "`ResourceError`" + ` and a ` + "`BodyTooLargeError`" + ` have ` + "`limit`" + `,
` + "`allowed`" + ` and mostly ` + "`used`" + `, times in milliseconds (see [limits](limits.md)), and ` + "`killed`" + `
when the run ended its [worker process](../guides/operating.md#worker-processes): its stack is then where it was seen last; an error that came out of several tries of ` + "`retry`" + ` or ` + "`step`" + ` has ` + "`attempts`" + `.

`

func TestErrorsPage(t *testing.T) {
	// docs/reference/errors.md says what the catalogue says.
	var b strings.Builder
	b.WriteString(pageHead)
	for _, code := range call.Codes() {
		d, _ := code.Describe()
		fmt.Fprintf(&b, "## %s\n\n`%s`\n\n%s\n\nWhat to do: %s\n\n", code.Name(), code, d.Sentence, d.Hint)
	}
	want := strings.TrimSuffix(b.String(), "\n")
	if *update {
		if err := os.WriteFile(errorsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the catalogue says; write it with: go test ./runtime/call -run TestErrorsPage -update", errorsPage)
	}
}
