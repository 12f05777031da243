package mcpserver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestInTools(t *testing.T) {
	for hint, want := range map[string]string{
		"look again": "look again",
		"memlog list and memlog search show what is there": "memory_list and memory_search show what " +
			"is there",
		"try again, or wait longer with --timeout": "try again",
		"memlog log shows what happened; memlog undo SEQ takes back any of it": "memory_history of a " +
			"memory shows what happened; memory_undo with a seq takes back any of it",
		"memlog restore 01890a5d-ac96-774b-bcce-b302099a8057 brings it back": "memory_undo of the " +
			"deletion brings it back",
		"memlog verify shows all damage": "tell the user, who has the command line: memlog verify " +
			"shows all damage",
		"use the memlog that wrote it": "use the memlog that wrote it",
	} {
		if got := inTools(hint); got != want {
			t.Errorf("%q becomes %q, want %q", hint, got, want)
		}
	}
}

// TestHintsOfStore reads all texts of package store that name a command: in those for an agent none
// is left, unless it is for the user.
func TestHintsOfStore(t *testing.T) {
	command := regexp.MustCompile(`\bmemlog [a-z]+ |--[a-z]+`)
	files, err := filepath.Glob("../store/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || strings.HasSuffix(name, "_test.go") {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil || !command.MatchString(text) || strings.Contains(text, "that wrote it") {
				return true
			}
			found++
			got := inTools(text)
			if command.MatchString(got) && !strings.HasPrefix(got, "tell the user") {
				t.Errorf("%s: %q becomes %q", name, text, got)
			}
			return true
		})
	}
	if found < 15 {
		t.Errorf("%d texts name commands", found)
	}
}
