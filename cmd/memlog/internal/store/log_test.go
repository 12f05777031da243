package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// logOf returns what the log has of a kind, and the error that ended it.
func logOf(t *testing.T, s *Store, kind string) (n int, err error) {
	t.Helper()
	for _, err := range s.Log(t.Context(), memory.LogRequest{Kind: kind}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// TestLogKind refuses a kind that nothing can have, and takes one that a newer version wrote.
func TestLogKind(t *testing.T) {
	s := open(t, t.TempDir())
	for _, kind := range []string{"stored", "malformed", "loss_accepted"} {
		if n, err := logOf(t, s, kind); n != 0 || err != nil {
			t.Errorf("%s: %d records, %v", kind, n, err)
		}
	}
	n, err := logOf(t, s, "bogus")
	if n != 0 || memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), "bogus") {
		t.Errorf("%d records, %v", n, err)
	}
	_, err = s.run(t.Context(), command{name: "newer",
		decide: func(*index.View) ([]event.Event, error) {
			return []event.Event{event.Unknown{Name: "bogus", Ignorable: true,
				Raw: []byte("\xa3\x61b\xa1\x61x\x01\x61i\xf5\x61k\x65bogus")}}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := logOf(t, s, "bogus"); n != 1 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

// TestKinds reads the kinds out of package event: the list has them all.
func TestKinds(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../../../wal/event/kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(kinds, kind) {
			t.Errorf("%s is not in the list (%v)", v.Names[0], err)
		}
		found++
		return true
	})
	if found < 13 {
		t.Errorf("%d kinds in package event", found)
	}
}
