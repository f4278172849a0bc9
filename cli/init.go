package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// starter is what a new project begins with.
var starter = []struct{ path, text string }{
	{"scripts/hello.ts", `import { step } from "reprise:run";

export default {
  // GET /hello?name=Ada
  async fetch(request: Request) {
    const name = new URL(request.url).searchParams.get("name") ?? "world";
    console.log("greeting", { name });
    return Response.json({ hello: name });
  },

  // reprise run scripts/hello.ts --input '{"name":"Ada"}'
  async run(input: { name?: string } | undefined) {
    return await step("greet", async () => ` + "`Hello, ${input?.name ?? \"world\"}!`" + `);
  },
};
`},
	{"reprise.yaml", `# Settings of this project; all are optional.
# addr: 127.0.0.1:8080      # where scripts answer
# env:                      # plain values, env.NAME in scripts
#   region: eu
# secrets:                  # values come from REPRISE_SECRET_NAME or .env
#   CRM_TOKEN:
#     hosts: [api.example.com]
`},
	{".gitignore", ".reprise/\n.env\nnode_modules/\n"},
}

func newInit(stdio IO) *cobra.Command {
	return &cobra.Command{
		Use:   "init [dir]",
		Short: "Start a project: a first script, settings, types",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("init takes at most one folder, not %q", args)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := projectDir(args)
			for _, f := range starter {
				path := filepath.Join(dir, f.path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				wrote, err := writeNew(path, f.text)
				if err != nil {
					return err
				}
				verb := "kept"
				if wrote {
					verb = "wrote"
				}
				fmt.Fprintf(stdio.Out, "%s %s\n", verb, path)
			}
			if err := writeTypes(dir, stdio.Out); err != nil {
				return err
			}
			where := ""
			if dir != "." {
				where = " " + dir
			}
			fmt.Fprintf(stdio.Out, "\nStart it with: reprise dev%s\n", where)
			return nil
		},
	}
}
