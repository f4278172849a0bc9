package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var yamlFence = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

func TestExamplesOfConnections(t *testing.T) {
	// Every example of the page is one that is taken: whole files, and what stands
	// for a connection's auth.
	page, err := os.ReadFile("../docs/reference/connections.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, m := range yamlFence.FindAllStringSubmatch(string(page), -1) {
		files := []string{m[1]}
		if strings.HasPrefix(m[1], "auth:") {
			files = nil
			for _, auth := range strings.Split("\n"+m[1], "\nauth:")[1:] {
				files = append(files, "connections:\n  x:\n    baseURL: https://x\n    auth:"+strings.ReplaceAll(auth, "\n", "\n    ")+"\n")
			}
		}
		for _, yaml := range files {
			examples++
			if c, err := load(t, yaml, nil); err != nil || len(c.Connections) == 0 {
				t.Errorf("%v\n%s", err, yaml)
			}
		}
	}
	if examples < 12 {
		t.Errorf("only %d examples found", examples)
	}
}
