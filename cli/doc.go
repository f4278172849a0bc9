// Package cli is the command line: it reads flags, the environment and
// reprise.yaml into one [Config], wires the rooms together ([App]) and runs
// the commands.
//
//	os.Exit(cli.Main(os.Args[1:], cli.StdIO()))
//
// The one invariant: this is the only package that reads the environment and
// the only one that imports all the others. Whatever it decides it hands down
// as plain options.
//
// Precedence of settings: flag, then REPRISE_* variable, then reprise.yaml,
// then default.
package cli
