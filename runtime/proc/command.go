package proc

import (
	"os"
	"os/exec"
	"strconv"
	"time"
)

// passed are the variables a child gets from its parent: they steer Go's
// runtime and carry no secrets.
var passed = []string{"GOMAXPROCS", "GODEBUG", "GOTRACEBACK", "GOGC", "GOMEMLIMIT", "GORACE"}

// command prepares the child's execution.
func command(role string, o Options) *exec.Cmd {
	cmd := &exec.Cmd{
		Path:        executable(),
		Args:        append([]string{os.Args[0], role}, o.Args...),
		Env:         environment(role, o),
		Dir:         "/", // so that it keeps no folder busy
		SysProcAttr: attributes(),
		WaitDelay:   time.Second, // should another process have its stderr
	}
	return cmd
}

// environment returns the child's variables. Later ones win.
func environment(role string, o Options) []string {
	// Without TZ Go would look for the zone in files, which a child may not read.
	env := []string{"TZ=UTC"}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, o.Env...)
	if o.Shared > 0 {
		env = append(env, sharedVar+"="+strconv.Itoa(o.Shared))
	}
	return append(env, markVar+"="+role)
}
