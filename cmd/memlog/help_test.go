package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// Every help text is a golden file: a change to one is seen in review.
func TestHelp(t *testing.T) {
	table, globals := commands(), globalFlags()
	golden(t, "memlog", overview(table, globals))
	for _, c := range table {
		golden(t, c.name, commandHelp(c, globals))
		for _, s := range c.subs {
			golden(t, c.name+"-"+s.name, commandHelp(s, globals))
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "help", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("help of %s (-want +got); run with -update:\n%s", name, diff)
	}
}

// What the help must have: a summary, exit codes, and lines that fit.
func TestHelpIsWhole(t *testing.T) {
	all := commands()
	for _, c := range commands() {
		all = append(all, c.subs...)
	}
	for _, c := range all {
		text := commandHelp(c, globalFlags())
		if c.summary == "" || !strings.Contains(text, "Exit codes\n  0  ") {
			t.Errorf("%s: no summary or no exit codes", c.name)
		}
		for _, l := range strings.Split(text, "\n") {
			if columns(l) > 100 {
				t.Errorf("%s: line of %d columns: %s", c.name, columns(l), l)
			}
		}
		for _, f := range c.flags {
			for _, g := range globalFlags() {
				for _, n := range f.Names() {
					if findFlag([]cliFlag{g}, "--"+n) != nil {
						t.Errorf("%s: flag --%s hides the global one", c.name, n)
					}
				}
			}
		}
	}
}
