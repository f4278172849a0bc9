package openapi

import "strings"

// Described is a connection and the description of its API.
type Described struct {
	Connection string
	API        *API
}

// Declarations is the text of a .d.ts file: each connection as a property of Env,
// and a module with the types of each. It uses
// the types of reprise:http.
func Declarations(all []Described) string {
	var b strings.Builder
	b.WriteString("// Types of the connections with a description of their API, written by `reprise types`. Do not edit.\n\n")
	b.WriteString("declare module \"reprise:script\" {\n\tinterface Env {\n")
	for _, d := range all {
		b.WriteString(comment(d.API.Title(), "\t\t"))
		b.WriteString("\t\treadonly " + key(d.Connection) + ": import(\"reprise:http\").DescribedConnection<import(" + quote(module(d.Connection)) + ").Paths>;\n")
	}
	b.WriteString("\t}\n}\n")
	for _, d := range all {
		b.WriteString("\ndeclare module " + quote(module(d.Connection)) + " {\n" + newWriter(d.API.doc).write() + "}\n")
	}
	return b.String()
}

func module(connection string) string { return "reprise:connections/" + connection }
