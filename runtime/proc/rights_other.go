//go:build !linux

package proc

import goruntime "runtime"

// GiveUp gives up all rights but those in keep, where the system can do it.
// This one can not: the report says so.
func GiveUp(Rights) (Report, error) {
	return Report{Missing: []string{
		"on " + goruntime.GOOS + " a process can not give up the rights to files, connections and other processes; scripts are kept apart from the server by a process of their own only",
	}}, nil
}

// SelfCheck tries what should be denied. Here nothing is.
func SelfCheck(Rights) Check {
	return Check{Allowed: []string{"everything that the user who started the server may do"}}
}
