package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"reprise/server/studio"
)

func newDev(stdio IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev [dir]",
		Short: "Serve a project while you work on it (the default)",
		Long: `Serve the scripts of a project: every save is live. dev reads secrets from .env
and tells visitors what is wrong with a script.`,
		Args: dirArgument,
		RunE: func(cmd *cobra.Command, args []string) error { return serve(cmd, args, stdio, true) },
	}
	addServeFlags(cmd)
	return cmd
}

func newServe(stdio IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve [dir]",
		Short: "Serve a project in production",
		Long: `Serve the scripts of a project. Unlike dev, serve does not read .env and tells
visitors nothing about what is wrong inside.`,
		Args: dirArgument,
		RunE: func(cmd *cobra.Command, args []string) error { return serve(cmd, args, stdio, false) },
	}
	addServeFlags(cmd)
	return cmd
}

// serve runs the server until a signal ends it.
func serve(cmd *cobra.Command, args []string, stdio IO, dev bool) error {
	defer keepHeapRoomy()()
	ctx := cmd.Context()
	c, err := loadConfig(cmd, projectDir(args), os.Environ(), dev)
	if err != nil {
		return err
	}
	if err := c.checkAddresses(); err != nil {
		return err
	}
	o := appOptions{dev: dev, watch: true, show: stdio.Err, choose: noteworthy}
	if dev {
		o.choose = everything
	}
	o.reread = func() (*Config, error) { return loadConfig(cmd, projectDir(args), os.Environ(), dev) }
	a, err := startApp(ctx, c, o)
	if err != nil {
		return err
	}
	a.announce(stdio.Out)
	if !c.NoAdmin && !studio.Built() {
		cmd.PrintErrln("the studio is not part of this build; \"make build\" makes one that has it")
	}
	err = a.wait(ctx)
	return errors.Join(err, a.close(ctx))
}
