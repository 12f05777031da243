package foreign

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPathVariables finds a store by each variable alone that names one, as its tool reads it: a
// file, or a directory with a file of the tool's name in it.
func TestPathVariables(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "sqlite_vec.db")
	graph := filepath.Join(dir, "notes.jsonl")
	for _, path := range []string{database, graph} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ variable, value, want, tool string }{
		{"MCP_MEMORY_SQLITE_PATH", database, database, toolService},
		{"CHROMA_DB_PATH", dir, database, toolService},
		{"MCP_MEMORY_CHROMA_PATH", dir, database, toolService},
		{"MCP_MEMORY_BASE_DIR", dir, database, toolService},
		{"MCP_MEMORY_BACKUPS_PATH", dir, database, toolService},
		{"MEMORY_FILE_PATH", graph, graph, toolGraph},
		{"MEMORY_FILE_PATH", "~/notes.jsonl", graph, toolGraph},
	} {
		env := map[string]string{"HOME": dir, "USERPROFILE": dir, c.variable: c.value}
		found := Discover(Machine{OS: "linux", Env: func(name string) string { return env[name] }})
		if len(found) != 1 || found[0] != (Place{c.want, c.tool}) {
			t.Errorf("%s=%s: %v, not %s of %s", c.variable, c.value, found, c.want, c.tool)
		}
	}
}
