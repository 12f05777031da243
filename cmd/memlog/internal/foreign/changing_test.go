package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// TestDatabaseFromPipe reads a database that can be read only once.
func TestDatabaseFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := written(t, path, serviceSchema)
	addMemory(t, db, "from a pipe", "", "{}", 1.0)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []Format{"", ServiceDB} {
		lines, s, _ := readAllOf(t, "-", Options{From: from, Stdin: bytes.NewReader(b)})
		if len(lines) != 1 || s.Format != ServiceDB {
			t.Errorf("from %q: %d lines of %s", from, len(lines), s.Format)
		}
	}
	for _, in := range []string{path, "-"} {
		_, err = Open(t.Context(), in, Options{From: Chroma, Stdin: bytes.NewReader(b)})
		if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), "none of chroma") {
			t.Errorf("%s taken for what it is not: %v", in, err)
		}
	}
}

// TestSourceChanges deletes, replaces or cuts a source once its reading has begun. What is read is
// the file as it was opened; a line that was cut off is reported, and never taken for another.
func TestSourceChanges(t *testing.T) {
	const n = 20_000
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"type":"entity","name":"e%d","entityType":"x","observations":["o%d"]}`+"\n",
			i, i)
	}
	change := map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("another"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"cut": func(path string) error { return os.Truncate(path, 600_011) },
	}
	for name, do := range change {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "graph")
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if _, err := io.ReadFull(in, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if err := do(path); err != nil {
				t.Skip("the system does not let go of an open file:", err)
			}
			if _, err := io.Copy(io.Discard, in); err != nil && name != "cut" {
				t.Fatal(err)
			}
			rejected, _ := in.Rejected()
			got := in.Summary().Entries
			switch {
			case name != "cut" && (got != n || len(rejected) > 0):
				t.Errorf("%d of %d, rejected %v", got, n, rejected)
			case name == "cut" && (got == 0 || got >= n || len(rejected) != 1):
				t.Errorf("%d of %d, rejected %v", got, n, rejected)
			}
		})
	}
}

// TestDatabaseRemoved removes a database once it was opened: what is read is the copy.
func TestDatabaseRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := written(t, path, serviceSchema)
	for i := range 500 {
		addMemory(t, db, fmt.Sprint("memory ", i), "", "{}", 1.0)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := errors.Join(os.Truncate(path, 5000), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil || in.Summary().Entries != 500 {
		t.Errorf("%d of 500 (%v)", in.Summary().Entries, err)
	}
}
