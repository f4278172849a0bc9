package bench

import (
	"fmt"
	"os"
	"runtime/pprof"
	"testing"

	"reprise/cli"
)

// roleVariable says what a re-executed test binary is.
const roleVariable = "REPRISE_BENCH_ROLE"

func TestMain(m *testing.M) {
	cli.Child()
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "upstream":
		serveUpstream()
	case "reference":
		serveReference(os.Args[1])
	case "log":
		serveLog(os.Args[1], os.Args[2])
	case "reprise":
		stop := profile(os.Getenv("REPRISE_BENCH_PROFILE"))
		code := cli.Main(os.Args[1:], cli.StdIO())
		stop()
		os.Exit(code)
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
}

// profile writes a CPU profile of Reprise to a file, if one is named.
func profile(file string) (stop func()) {
	if file == "" {
		return func() {}
	}
	f, err := os.Create(file)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}
}
