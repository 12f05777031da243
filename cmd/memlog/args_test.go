package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func TestArrange(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"add x --tag a", "add --tag=a -- x"},
		{"add --tag a x", "add --tag=a -- x"},
		{"add x --tag a y --tag b,c", "add --tag=a --tag=b,c -- x y"},
		{"add -t a x", "add --tag=a -- x"},
		{"add --tag json x", "add --tag=json -- x"},
		{"add -t=a x", "add --tag=a -- x"},
		{"add - --type note", "add --type=note -- -"},
		{"add -- --tag a", "add -- --tag a"},
		{"add x -- -y", "add -- x -y"},
		{"add help", "add -- help"},
		{"add tag --tag t", "add --tag=t -- tag"},
		{"search q --limit 3 --json --store /s", "--json=true --store=/s search --limit=3 -- q"},
		{"--json search --store /s q", "--json=true --store=/s search -- q"},
		{"--store /a list --store /b", "--store=/a --store=/b list --"},
		{"list --json=false", "--json=false list --"},
		{"snapshot prune --keep 2", "snapshot prune --keep=2 --"},
		{"snapshot --keep 2 prune", "snapshot prune --keep=2 --"},
		{"archive --older-than 3d", "archive --older-than=3d --"},
		{"archive list --json", "--json=true archive list --"},
		{"undo --since -1", "undo --since=-1 --"},
		{"export -o -", "export --output=- --"},
		{"add --tag=--json x", "add --tag=--json -- x"},
		{"add --tag= x", "add --tag= -- x"},
		{"--version", "version --"},
		{"--json --version", "--json=true version --"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			l, err := arrange(commands(), globalFlags(), strings.Fields(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(l.words()[1:], " ")
			if got != tt.want {
				t.Errorf("arranged as %q, want %q", got, tt.want)
			}
		})
	}
}

func TestArrangeRefuses(t *testing.T) {
	for _, tt := range []struct{ in, message, hint string }{
		{"lst", `unknown command "lst"`, "did you mean memlog list?"},
		{"verfy", `unknown command "verfy"`, "did you mean memlog verify?"},
		{"xyzzy", `unknown command "xyzzy"`, "memlog help lists the commands"},
		{"snapshot", "snapshot needs one of: create, list, prune, restore", ""},
		{"snapshot creat", `unknown command "snapshot creat"`, "did you mean memlog snapshot create?"},
		{"archive 3d", `unknown command "archive 3d"`, "there are: list, verify, restore"},
		{"archive list --older-than 3d", "archive list has no flag --older-than", ""},
		{"list --limt 3", "list has no flag --limt", "did you mean --limit?"},
		{"list x --limt 3", "list has no flag --limt", "did you mean --limit?"},
		{"list -limit 3", "list has no flag -limit", "did you mean --limit?"},
		{"list -n5", "list has no flag -n5", "write -n 5"},
		{"list --n 3", "list has no flag --n", ""},
		{"--tag x add", "memlog has no flag --tag", ""},
		{"add -5", "add has no flag -5", "text that begins with - stands after --"},
		{"add -x", "add has no flag -x", ""},
		{"list x", `list: unexpected argument "x"`, "usage: memlog list [FLAGS]"},
		{"get a b", `get: unexpected argument "b"`, "usage: memlog get [FLAGS] ID"},
		{"get", "get needs ID", ""},
		{"link a", "link needs FROM TO", ""},
		{"list --limit", "--limit: needs a value", ""},
		{"add x --tag --json", "--tag: needs a value before --json", "write --tag=--json"},
		{"add x --tag --", "--tag: needs a value before --", ""},
		{"list --json=maybe", `--json: takes no value, or true or false: "maybe"`, ""},
		{"list --limit 1 --limit 2", "--limit: was given twice", ""},
		{"archive -- list", `archive: unexpected argument "list"`, ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			_, err := arrange(commands(), globalFlags(), strings.Fields(tt.in))
			if err == nil {
				t.Fatal("no error")
			}
			e, ok := err.(*memory.Error)
			if !ok || exitCode(err) != exitUsage {
				t.Fatalf("error is %T with exit code %d", err, exitCode(err))
			}
			if e.Error() != tt.message {
				t.Errorf("message %q, want %q", e.Error(), tt.message)
			}
			if !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("hint %q, want %q", e.Hint, tt.hint)
			}
		})
	}
}

// What arrange hands on, urfave/cli reads the same way: every value and argument arrives.
func FuzzArrange(f *testing.F) {
	for _, s := range []string{
		"add x --tag a", "add -- --tag", "search q -n 5 --json", "--store /s list", "snapshot prune",
		"add tag --tag help help", "archive list", "delete --tag=a,b c", "log -f --from 5",
	} {
		f.Add(strings.ReplaceAll(s, " ", "\x00"))
	}
	f.Fuzz(func(t *testing.T, joined string) {
		words := strings.Split(joined, "\x00")
		table, globals := commands(), globalFlags()
		l, err := arrange(table, globals, words)
		if err != nil || l.cmd == nil || l.help {
			return
		}
		for _, a := range l.args {
			if !slices.Contains(words, a) {
				t.Fatalf("argument %q was not given: %q", a, words)
			}
		}
		checkParsed(t, l, table, globals)
	})
}

// checkParsed runs urfave/cli on l and compares what it understood.
func checkParsed(t *testing.T, l line, table []*command, globals []cli.Flag) {
	t.Helper()
	c := &call{app: &app{}, cmd: l.cmd}
	tree := tree(c, table, globals)
	ran := false
	var spy func(cmds []*cli.Command)
	spy = func(cmds []*cli.Command) {
		for _, cmd := range cmds {
			cmd.Action = func(flags *cli.Context) error {
				ran = true
				if got := flags.Args().Slice(); !slices.Equal(got, l.args) {
					t.Errorf("arguments %q, want %q", got, l.args)
				}
				if got := flags.Command.Name; got != l.cmd.name {
					t.Errorf("ran %q, want %q", got, l.cmd.name)
				}
				if diff := cmp.Diff(tagsOf(l), flags.StringSlice("tag")); diff != "" {
					t.Errorf("tags (-want +got):\n%s", diff)
				}
				return nil
			}
			spy(cmd.Subcommands)
		}
	}
	spy(tree.Commands)
	if err := tree.Run(l.words()); err == nil && !ran {
		t.Errorf("nothing ran for %q", l.words())
	}
}

func tagsOf(l line) []string {
	var out []string
	for _, f := range l.flags {
		if v, ok := strings.CutPrefix(f, "--tag="); ok {
			out = append(out, v)
		}
	}
	return out
}

func TestSuggest(t *testing.T) {
	words := []string{"search", "list", "verify", "restore", "repair"}
	for _, tt := range []struct{ in, want string }{
		{"serach", "search"}, {"lits", "list"}, {"ver", "verify"}, {"x", ""}, {"frobnicate", ""},
		{"repare", "repair"}, {"", ""},
	} {
		if got := suggest(tt.in, words); got != tt.want {
			t.Errorf("suggest(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
