package foreign

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// chromaSchema is the part of Chroma 1.4's schema in which memories are.
const chromaSchema = `
CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER);
CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL,
	collection TEXT NOT NULL);
CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL,
	seq_id BLOB NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	UNIQUE (segment_id, embedding_id));
CREATE TABLE embedding_metadata (id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL,
	string_value TEXT, int_value INTEGER, float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key));
CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id INTEGER);
CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY,
	created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, operation INTEGER NOT NULL,
	topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB, encoding TEXT, metadata TEXT);
INSERT INTO collections VALUES ('c1', 'memory_collection', 2), ('c2', 'songs', 2);
INSERT INTO segments VALUES ('00000000-0000-0000-0000-00000000000a', 'sqlite', 'METADATA', 'c1'),
	('00000000-0000-0000-0000-00000000000b', 'hnsw', 'VECTOR', 'c1'),
	('00000000-0000-0000-0000-00000000000c', 'sqlite', 'METADATA', 'c2');`

const chromaSegment = "00000000-0000-0000-0000-00000000000a"

// taken puts a record into the tables, as Chroma does when it has read its queue.
func taken(t *testing.T, db *sql.DB, row int, id, document string) {
	t.Helper()
	must(t, db, `INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?, ?, ?, ?)`,
		row, chromaSegment, id, row)
	must(t, db, `INSERT INTO embedding_metadata VALUES (?, 'chroma:document', ?, NULL, NULL, NULL),
		(?, 'tags', 'a,b', NULL, NULL, NULL), (?, 'timestamp', NULL, 1700000000, NULL, NULL),
		(?, 'created_at', NULL, NULL, 1700000000.5, NULL), (?, 'important', NULL, NULL, NULL, 1),
		(?, 'n', NULL, 7, NULL, NULL)`, row, document, row, row, row, row, row)
}

func queue(t *testing.T, db *sql.DB, seq, op int, id, metadata string) {
	t.Helper()
	must(t, db, `INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata)
		VALUES (?, ?, 'persistent://default/default/c1', ?, ?)`, seq, op, id, metadata)
}

// TestChromaQueue reads the tables and what the queue makes of them: added, updated, deleted, and
// deleted before, which is known from the queue alone.
func TestChromaQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chroma.sqlite3")
	db := written(t, path, chromaSchema)
	for i := 1; i <= 4; i++ {
		taken(t, db, i, fmt.Sprint("id", i), fmt.Sprint("document ", i))
	}
	queue(t, db, 3, opAdd, "before", `{"chroma:document":"deleted before"}`)
	queue(t, db, 4, opDelete, "before", `{}`)
	must(t, db, "INSERT INTO max_seq_id VALUES (?, 4)", chromaSegment)
	queue(t, db, 5, opUpdate, "id2", `{"chroma:document":"document 2, edited","n":null}`)
	queue(t, db, 6, opDelete, "id3", `{}`)
	queue(t, db, 7, opAdd, "id5", `{"chroma:document":"only queued","tags":"[\"q\"]"}`)
	queue(t, db, 8, opAdd, "id6", `{"chroma:document":"queued and deleted"}`)
	queue(t, db, 9, opDelete, "id6", `{}`)
	queue(t, db, 10, opUpsert, "id5", `{"chroma:document":"only queued, edited"}`)
	lines, s, rejected := readAllOf(t, path, Options{})
	var got []string
	for _, l := range lines {
		text := l.Content
		if l.Deleted {
			text = "-" + text
		}
		got = append(got, text)
	}
	want := "document 1|document 2, edited|document 4|only queued, edited|-deleted before|-document 3|" +
		"-queued and deleted"
	if strings.Join(got, "|") != want || s.Deleted != 3 || len(rejected) > 0 {
		t.Errorf("got  %s\nwant %s\n%+v", strings.Join(got, "|"), want, s)
	}
	by := byContent(lines)
	if one := by["document 1"]; one.ID != serviceID("id1") || one.Aliases[0] != "id1" ||
		one.CreatedAt.UnixMilli() != 1700000000500 || strings.Join(one.Tags, "|") != "a|b" ||
		string(one.Metadata) != `{"important":true,"n":7}` {
		t.Errorf("%+v %s", one, one.Metadata)
	}
	if two := by["document 2, edited"]; string(two.Metadata) != `{"important":true}` {
		t.Errorf("an updated record has %s", two.Metadata)
	}
	if five := by["only queued, edited"]; strings.Join(five.Tags, "|") != "q" {
		t.Errorf("%+v", five)
	}
	if !strings.Contains(fmt.Sprint(s.Notes), "collection songs") {
		t.Errorf("notes %v", s.Notes)
	}
}

// TestChromaTorn reads the pages of a Chroma database whose schema is gone.
func TestChromaTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chroma.sqlite3")
	db := written(t, path, chromaSchema)
	for i := 1; i <= 50; i++ {
		taken(t, db, i, fmt.Sprint("id", i), fmt.Sprint("document ", i))
	}
	must(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	clearFrom(t, path, 100, 4096)
	lines, _, _ := readAllOf(t, path, Options{From: Chroma})
	if len(lines) != 50 || lines[49].ID != serviceID("id50") || len(lines[49].Tags) != 2 {
		t.Errorf("%d of 50", len(lines))
	}
}
