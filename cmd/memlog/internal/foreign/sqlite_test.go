package foreign

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
)

// serviceSchema is the schema of mcp-memory-service 10.59, without its virtual tables.
const serviceSchema = `
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE memories (
	id INTEGER PRIMARY KEY AUTOINCREMENT, content_hash TEXT UNIQUE NOT NULL, content TEXT NOT NULL,
	tags TEXT, memory_type TEXT, metadata TEXT, created_at REAL, updated_at REAL, created_at_iso TEXT,
	updated_at_iso TEXT, deleted_at REAL DEFAULT NULL, parent_id TEXT, version INTEGER DEFAULT 1,
	confidence REAL DEFAULT 1.0, last_accessed INTEGER, superseded_by TEXT);
CREATE INDEX idx_created_at ON memories(created_at);
CREATE TABLE memory_graph (
	source_hash TEXT NOT NULL, target_hash TEXT NOT NULL, similarity REAL NOT NULL,
	connection_types TEXT NOT NULL, metadata TEXT, created_at REAL NOT NULL,
	relationship_type TEXT DEFAULT 'related', PRIMARY KEY (source_hash, target_hash));`

// written opens a database for a test to write, in WAL mode: what it writes stays in the -wal file
// for as long as the test has it open.
func written(t testing.TB, path, schema string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+
		"?_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	must(t, db, schema)
	return db
}

func must(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

// addMemory stores what mcp-memory-service would.
func addMemory(t testing.TB, db *sql.DB, content, tags, metadata string, created any) string {
	t.Helper()
	hash := contentHash(content)
	must(t, db, `INSERT INTO memories (content_hash, content, tags, memory_type, metadata, created_at,
		updated_at) VALUES (?, ?, ?, 'note', ?, ?, ?)`, hash, content, tags, metadata, created, created)
	return hash
}

func byContent(lines []transfer.Line) map[string]transfer.Line {
	out := map[string]transfer.Line{}
	for _, l := range lines {
		out[l.Content] = l
	}
	return out
}

// TestServiceRows reads what every column means, all of it from a write-ahead log that was not
// brought into the database yet, beside the writer, in a directory that may not be written.
func TestServiceRows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "any name")
	db := written(t, path, serviceSchema)
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	first := addMemory(t, db, "The first", "a, b,,c", `{"n": 1.0,  "user_rating": 1}`, 1700000000.25)
	second := addMemory(t, db, "The second", `["x","y z"]`, `not json`, "2024-05-06T07:08:09Z")
	third := addMemory(t, db, "The third", "", `{"tags":["inside"],"superseded_by":"`+first+`"}`, -5)
	must(t, db, `UPDATE memories SET deleted_at = 1700000100.5, confidence = 0.5 WHERE content_hash = ?`,
		second)
	must(t, db, `UPDATE memories SET parent_id = ?, version = 2, superseded_by = '' WHERE content_hash = ?`,
		first, third)
	must(t, db, `INSERT INTO memory_graph VALUES (?, ?, 0.5, '["semantic"]', '{}', 1.0, 'causes'),
		(?, ?, 0.5, 'temporal', NULL, 1.0, NULL), ('nobody', ?, 0.5, '[]', NULL, 1.0, 'related')`,
		first, second, second, first, first)
	if runtime.GOOS != "windows" {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	}
	before := fingerprint(t, dir)
	lines, s, rejected := readAllOf(t, path, Options{})
	if after := fingerprint(t, dir); after != before {
		t.Errorf("the source was touched:\n%s\nbefore:\n%s", after, before)
	}
	got := byContent(lines)
	if s.Deleted != 1 || s.Superseded != 1 || s.Rated != 1 || s.Links != 3 || len(lines) != 3 {
		t.Errorf("%+v", s)
	}
	one := got["The first"]
	if one.ID != serviceID(first) || one.Aliases[0] != first || strings.Join(one.Tags, "|") != "a|b|c" ||
		string(one.Metadata) != `{"n": 1.0,  "user_rating": 1}` || one.Type != "note" ||
		one.CreatedAt.UnixMicro() != 1700000000250000 || one.Links[0].Type != "causes" ||
		one.Links[0].To != serviceID(second) {
		t.Errorf("first: %+v", one)
	}
	two := got["The second"]
	if !two.Deleted || strings.Join(two.Tags, "|") != "x|y z" || two.Links[0].Type != "temporal" ||
		two.CreatedAt.Format("2006-01-02 15:04:05") != "2024-05-06 07:08:09" ||
		string(two.Metadata) != `{"metadata":"not json","mcp_memory_service":{"confidence":0.5,`+
			`"deleted_at":1700000100.5}}` {
		t.Errorf("second: %+v %s", two, two.Metadata)
	}
	three := got["The third"]
	if three.SupersededBy != serviceID(first) || strings.Join(three.Tags, "") != "inside" ||
		three.Links[0].Type != versionOf || !three.CreatedAt.IsZero() {
		t.Errorf("third: %+v", three)
	}
	if len(rejected) != 1 || !strings.Contains(rejected[0].Reason, "nobody") {
		t.Errorf("rejected %+v", rejected)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "-5 is no time") ||
		!strings.Contains(notes, "metadata is not JSON") {
		t.Errorf("notes %s", notes)
	}
}

// fingerprint is what a directory's files are: names, sizes, times.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintln(e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return out
}

// TestServiceOldSchema reads a file of an early version: no columns after the times, no graph.
func TestServiceOldSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	db := written(t, path, `CREATE TABLE memories (id INTEGER PRIMARY KEY, content_hash TEXT UNIQUE,
		content TEXT, tags TEXT, memory_type TEXT, metadata TEXT, created_at REAL)`)
	must(t, db, `INSERT INTO memories VALUES (7, 'h', 'old', NULL, NULL, '{"tags":"a,b"}', 1.5e12)`)
	lines, _, _ := readAllOf(t, path, Options{})
	if len(lines) != 1 || strings.Join(lines[0].Tags, "|") != "a|b" ||
		lines[0].CreatedAt.Year() != 2017 {
		t.Errorf("%+v", lines)
	}
}

// TestHotJournal reads a database whose writer died half way through a transaction: what it had
// written is taken back in the copy, and nothing is changed in the source.
func TestHotJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hot.db")
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?_pragma=cache_size(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer db.Close()
	must(t, db, serviceSchema)
	addMemory(t, db, "committed", "", "", 1.0)
	must(t, db, "BEGIN IMMEDIATE")
	for i := range 200 { // more than the cache: the pages are spilled into the file
		addMemory(t, db, fmt.Sprintf("half done %d %s", i, strings.Repeat("x", 2000)), "", "", 1.0)
	}
	died := filepath.Join(t.TempDir(), "died.db")
	for _, suffix := range []string{"", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(died+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, db, "ROLLBACK")
	lines, s, _ := readAllOf(t, died, Options{})
	if len(lines) != 1 || lines[0].Content != "committed" || len(s.Notes) > 0 {
		t.Errorf("%d memories, notes %v", len(lines), s.Notes)
	}
	if b, err := os.ReadFile(died + "-journal"); err != nil || len(b) == 0 {
		t.Errorf("the journal of the source is gone: %v", err)
	}
}

// sound makes a database of n memories of one page and more, written out whole.
func sound(t *testing.T, n int) (path string, contents map[string]bool) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sound.db")
	db := written(t, path, serviceSchema)
	contents = map[string]bool{}
	must(t, db, "BEGIN")
	for i := range n {
		c := fmt.Sprintf("memory %d %s", i, strings.Repeat("text ", 40+i%30*40)) // some overflow
		contents[c] = true
		addMemory(t, db, c, "t", "{}", 1700000000+float64(i))
	}
	gone := fmt.Sprintf("removed %s", strings.Repeat("text ", 100))
	for i := range n {
		addMemory(t, db, gone+fmt.Sprint(i), "", "", 1.0)
	}
	must(t, db, "COMMIT")
	must(t, db, "DELETE FROM memories WHERE content LIKE 'removed%'") // leaves free pages
	must(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, contents
}

var everyPage = flag.Bool("torn", false, "destroy every page in turn, not every fifth")

// TestTornPages destroys pages one at a time. Every memory is read word for word, or it is named, or
// the note of the highest row says that some are missing; none that was deleted comes back.
func TestTornPages(t *testing.T) {
	path, contents := sound(t, 150)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	step := 5 // -torn takes every page
	if *everyPage {
		step = 1
	}
	worst := len(contents)
	for at := 0; at < len(whole); at += step * page {
		torn := append([]byte(nil), whole...)
		clear(torn[at : at+page])
		if at == 0 { // the name of the format is left, or nobody would take it for a database
			copy(torn, whole[:100])
		}
		file := filepath.Join(t.TempDir(), "torn.db")
		if err := os.WriteFile(file, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		lines, s, rejected := readAllOf(t, file, Options{From: ServiceDB})
		for _, l := range lines {
			if !contents[l.Content] {
				t.Fatalf("page %d: %.40q was never live", at/page+1, l.Content)
			}
		}
		if len(lines)+len(rejected) < len(contents) && !strings.Contains(fmt.Sprint(s.Notes),
			"highest row") {
			t.Errorf("page %d: %d read, %d named, notes %v", at/page+1, len(lines), len(rejected), s.Notes)
		}
		worst = min(worst, len(lines))
	}
	if worst < len(contents)-40 {
		t.Errorf("one page cost %d of %d memories", len(contents)-worst, len(contents))
	}
}

// TestNothingLeft destroys all pages but the first: that nothing can be read is said, and does not
// pass for a database that holds nothing.
func TestNothingLeft(t *testing.T) {
	path, _ := sound(t, 20)
	torn, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(torn[4096:])
	file := filepath.Join(t.TempDir(), "torn.db")
	if err := os.WriteFile(file, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	lines, s, rejected := readAllOf(t, file, Options{From: ServiceDB})
	if len(lines) != 0 || len(rejected) == 0 || !strings.Contains(fmt.Sprint(s.Notes), "damaged") {
		t.Errorf("%d read, rejected %v, notes %v", len(lines), rejected, s.Notes)
	}
}

// TestNoMemories refuses databases that are none of ours, and says so.
func TestNoMemories(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	written(t, path, "CREATE TABLE songs (id INTEGER PRIMARY KEY, name TEXT)")
	_, err := Open(t.Context(), path, Options{})
	if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), "none of") {
		t.Error(err)
	}
}
