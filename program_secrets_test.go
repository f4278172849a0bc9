package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"reprise/runtime/logs"
	"reprise/store"
	"reprise/store/badger"
)

// cmdNowhere looks for a value in a data folder: in every byte of its files, and
// in what its store and its log have when they are read, where parts of the
// files are compressed. What stands for it has to be there, the token of the
// secret CANARY unless another text is named: a search that finds nothing at all
// proves nothing. The value "tokens" means all that the provider has given out.
func cmdNowhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: nowhere VALUE|tokens DIR [INSTEAD]")
	}
	values, instead, dir := args[:1], "rps_CANARY_", ts.MkAbs(args[1])
	if len(args) == 3 {
		instead = args[2]
	}
	if p := programOf(ts).provider; args[0] == "tokens" {
		if values = p.Tokens(); len(values) < 3 {
			ts.Fatalf("the provider has given out %d tokens", len(values))
		}
	}
	var forms []string
	for _, value := range values {
		forms = append(forms, formsOf(value)...)
	}
	look := func(where string, text []byte) {
		for _, form := range forms {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				ts.Fatalf("the value is in %s, at byte %d: %q", where, i, text[max(0, i-40):min(len(text), i+len(form)+40)])
			}
		}
	}
	files := 0
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		look(path, text)
		return err
	}))
	said := lookInLog(ts, filepath.Join(dir, "logs"), look) + lookInStore(ts, filepath.Join(dir, "store"), ts.Getenv("ID"), look)
	if files < 3 || strings.Count(said, instead) < 3 {
		ts.Fatalf("%d files, and this in log and journal:\n%s", files, said)
	}
}

// formsOf are what somebody may have made of a value.
func formsOf(value string) []string {
	raw := []byte(value)
	forms := []string{value, url.QueryEscape(value), hex.EncodeToString(raw), value[:len(value)/2], value[len(value)/2:]}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), raw...))
		forms = append(forms, text[4:len(text)-4])
	}
	return forms
}

// lookInLog looks at every entry of a log, and returns what they say.
func lookInLog(ts *testscript.TestScript, dir string, look func(string, []byte)) string {
	ctx := context.Background()
	data, err := badger.OpenLogs(badger.LogOptions{Dir: dir})
	ts.Check(err)
	defer func() { ts.Check(data.Close()) }()
	log, err := logs.Open(ctx, logs.Options{Store: data})
	ts.Check(err)
	defer func() { ts.Check(log.Close()) }()
	var said strings.Builder
	for q := (logs.Query{Limit: 10_000}); ; {
		entries, next, err := log.Query(ctx, q)
		ts.Check(err)
		for i := range entries {
			text := fmt.Sprintf("%s %s\n", entries[i].Msg, entries[i].Fields)
			look("the log", []byte(text))
			said.WriteString(text)
		}
		if q.From = next; next == 0 {
			return said.String()
		}
	}
}

// lookInStore looks at what a store has of a run, at its tables and namespaces.
func lookInStore(ts *testscript.TestScript, dir, run string, look func(string, []byte)) string {
	ctx := context.Background()
	s, err := badger.Open(badger.Options{Dir: dir})
	ts.Check(err)
	defer func() { ts.Check(s.Close()) }()
	records, err := s.Journal(ctx, run, 0)
	ts.Check(err)
	var said strings.Builder
	for _, r := range records {
		look("the journal", r)
		said.Write(r)
	}
	for _, table := range []string{"runs", "runs.script", "runs.status", "blobs", "blobs.refs", "revisions", "scripts.served", "engine"} {
		rows, err := s.Rows(ctx, table, store.Range{Limit: 1000})
		ts.Check(err)
		for _, row := range rows {
			look("the table "+table, append([]byte(row.Key), row.Value...))
		}
	}
	for _, namespace := range []string{"secrets", "logins.leases", "blobs", "script:use"} {
		entries, err := s.List(ctx, namespace, store.Range{Limit: 1000})
		ts.Check(err)
		if namespace == "secrets" && len(entries) < 2 {
			ts.Fatalf("the store keeps no secrets")
		}
		for _, e := range entries {
			look("the namespace "+namespace, append(e.Key, e.Value...))
		}
	}
	return said.String()
}
