package foreign

import (
	"os"
	"path/filepath"
	"testing"
)

// realData holds stores that the other tools' own code wrote. They are not part of the repository.
const realData = "../../../../../shared/data/import"

// TestRealStores reads them, and finds what they are known to hold.
func TestRealStores(t *testing.T) {
	if _, err := os.Stat(realData); err != nil {
		t.Skip("no stores written by other tools beside the repository: ", err)
	}
	for _, c := range []struct {
		path string
		want Summary
	}{
		{"sqlite_vec.db", Summary{Format: ServiceDB, Entries: 305, Deleted: 10, Superseded: 5, Links: 16,
			Rated: 8}},
		{"chroma_db/chroma.sqlite3", Summary{Format: Chroma, Entries: 250, Deleted: 6}},
		{"memory.jsonl", Summary{Format: Graph, Entries: 80, Links: 2}},
	} {
		lines, s, rejected := readAllOf(t, filepath.Join(realData, c.path), Options{})
		s.Notes = nil
		if s.Format != c.want.Format || s.Entries != c.want.Entries || s.Deleted != c.want.Deleted ||
			s.Superseded != c.want.Superseded || s.Links != c.want.Links || s.Rated != c.want.Rated {
			t.Errorf("%s: %+v, want %+v", c.path, s, c.want)
		}
		if len(lines) != c.want.Entries || len(rejected) > 0 {
			t.Errorf("%s: %d lines, rejected %v", c.path, len(lines), rejected)
		}
	}
}

// TestRealStoreTorn cuts the database of mcp-memory-service at every sixteenth of its length: what
// is left of it is read, and what is not is named, as far as an index still knows it.
func TestRealStoreTorn(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(realData, "sqlite_vec.db"))
	if err != nil {
		t.Skip("no stores written by other tools beside the repository: ", err)
	}
	all, _, _ := readAllOf(t, filepath.Join(realData, "sqlite_vec.db"), Options{})
	known := map[string]string{}
	for _, l := range all {
		known[l.ID.String()] = l.Content
	}
	for i := 1; i < 16; i++ {
		path := filepath.Join(t.TempDir(), "torn.db")
		if err := os.WriteFile(path, whole[:len(whole)*i/16], 0o600); err != nil {
			t.Fatal(err)
		}
		lines, s, rejected := readAllOf(t, path, Options{})
		for _, l := range lines {
			if known[l.ID.String()] != l.Content {
				t.Fatalf("cut at %d/16: %s is %.60q, which was never there", i, l.ID, l.Content)
			}
		}
		// The memories of this file stand in its last quarter, behind the vectors.
		if len(s.Notes) == 0 || i >= 13 && len(lines) < 70 {
			t.Errorf("cut at %d/16: %d memories, notes %v", i, len(lines), s.Notes)
		}
		t.Logf("cut at %d/16: %d memories, %d named as lost", i, len(lines), len(rejected))
	}
}
