// Command reprise runs JavaScript and TypeScript scripts that orchestrate APIs.
package main

import (
	"os"

	"reprise/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.StdIO())) }
