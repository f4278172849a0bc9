package cli

import (
	"fmt"
	goruntime "runtime"

	"github.com/spf13/cobra"
)

func newVersion(stdio IO) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%q takes no arguments, not %q", cmd.CommandPath(), args)
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(stdio.Out, "reprise %s %s/%s %s\n", Version, goruntime.GOOS, goruntime.GOARCH, goruntime.Version())
			return err
		},
	}
}
