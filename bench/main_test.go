package bench

import (
	"fmt"
	"os"
	"testing"

	"reprise/cli"
)

// roleVariable says what a re-executed test binary is.
const roleVariable = "REPRISE_BENCH_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "upstream":
		serveUpstream()
	case "reference":
		serveReference(os.Args[1])
	case "reprise":
		os.Exit(cli.Main(os.Args[1:], cli.StdIO()))
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
}
