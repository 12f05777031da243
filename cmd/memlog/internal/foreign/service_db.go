package foreign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// serviceColumns are the columns of memories that mean something here, in the order in which
// mcp-memory-service made them: a file whose schema cannot be read has them in this order.
var serviceColumns = []string{"id", "content_hash", "content", "tags", "memory_type", "metadata",
	"created_at", "updated_at", "created_at_iso", "updated_at_iso", "deleted_at", "parent_id",
	"version", "confidence", "last_accessed", "superseded_by"}

// serviceDB is mcp-memory-service's SQLite database.
type serviceDB struct{ *database }

func (s serviceDB) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	if damage := s.damage(ctx, "memories", "memory_graph"); damage != "" {
		return salvageFrom(ctx, s.database, damage, salvageService, r, yield)
	}
	have, err := s.columns(ctx, "memories")
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT "+selected(have, serviceColumns)+
		" FROM memories ORDER BY id")
	if err != nil {
		return fmt.Errorf("read memories: %w", err)
	}
	defer rows.Close()
	edges, err := s.edges(ctx)
	if err != nil {
		return fmt.Errorf("read memory_graph: %w", err)
	}
	defer edges.close()
	for rows.Next() {
		values, err := rowValues(rows, len(serviceColumns))
		if err != nil {
			return fmt.Errorf("read memories: %w", err)
		}
		m := serviceRow(r, byName(serviceColumns, values))
		if m.links, err = edges.of(int64(m.at)); err != nil {
			return fmt.Errorf("read memory_graph: %w", err)
		}
		if !yield(m.entry(r)) {
			return errStop
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read memories: %w", err)
	}
	return s.loose(ctx, yield)
}

// damage returns what is wrong with a database and these tables of it; "" for nothing.
func (d *database) damage(ctx context.Context, tables ...string) string {
	wrong := d.torn
	for _, table := range tables {
		if wrong == "" && d.tables[table] {
			wrong = d.check(ctx, table)
		}
	}
	return wrong
}

// check returns what SQLite finds wrong with a table and its indexes; "" for nothing.
func (d *database) check(ctx context.Context, table string) string {
	var verdict string
	err := d.db.QueryRowContext(ctx, "PRAGMA integrity_check('"+table+"')").Scan(&verdict)
	switch {
	case err != nil:
		return err.Error()
	case verdict != "ok":
		return strings.ReplaceAll(verdict, "\n", " ")
	}
	return ""
}

// selected is a list of columns for SELECT, with NULL for those that a table lacks.
func selected(have map[string]bool, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		if out[i] = c; !have[c] {
			out[i] = "NULL"
		}
	}
	return strings.Join(out, ", ")
}

func byName(columns []string, values []any) map[string]any {
	m := make(map[string]any, len(values))
	for i, v := range values {
		if i < len(columns) && v != nil {
			m[columns[i]] = v
		}
	}
	return m
}

// serviceRow reads a row of memories.
func serviceRow(r *report, row map[string]any) serviceMemory {
	id, _ := row["id"].(int64)
	m := serviceMemory{
		at: int(id), hash: textOf(row["content_hash"]), content: textOf(row["content"]),
		tags: splitTags(textOf(row["tags"])), kind: textOf(row["memory_type"]),
		created: []any{row["created_at"], textOf(row["created_at_iso"])},
		updated: []any{row["updated_at"], textOf(row["updated_at_iso"])},
		parent:  textOf(row["parent_id"]), superseded: textOf(row["superseded_by"]),
		deletedAt: row["deleted_at"], version: row["version"], confidence: row["confidence"],
	}
	m.setMetadata(r, textOf(row["metadata"]))
	return m
}

// setMetadata keeps metadata, and takes the tags from it where the memory has none of its own.
func (m *serviceMemory) setMetadata(r *report, text string) {
	var isJSON bool
	if m.metadata, isJSON = keepMetadata(text); !isJSON {
		r.count(m.at, "metadata is not JSON and kept as text")
	}
	if len(m.tags) == 0 {
		if tags := metadataFields(m.metadata).Tags; len(tags) > 0 && string(tags) != "null" {
			m.tags = splitTags(unquote(string(tags)))
		}
	}
}

// edgeCursor hands out the links of memories in the order of their rows.
type edgeCursor struct {
	rows *sql.Rows // nil: there are none
	id   int64     // the memory that next leaves
	next graphEdge
	more bool
}

// edges opens the links by the row of the memory they leave.
func (s serviceDB) edges(ctx context.Context) (*edgeCursor, error) {
	c := &edgeCursor{}
	if !s.tables["memory_graph"] {
		return c, nil
	}
	have, err := s.columns(ctx, "memory_graph")
	if err != nil {
		return nil, err
	}
	relationship := "NULL"
	if have["relationship_type"] {
		relationship = "g.relationship_type"
	}
	c.rows, err = s.db.QueryContext(ctx, "SELECT m.id, g.target_hash, "+relationship+
		", g.connection_types FROM memory_graph g JOIN memories m ON m.content_hash = g.source_hash "+
		"ORDER BY m.id, g.target_hash")
	if err != nil {
		return nil, err
	}
	return c, c.advance()
}

func (c *edgeCursor) advance() error {
	if c.more = c.rows.Next(); !c.more {
		return c.rows.Err()
	}
	v, err := rowValues(c.rows, 4)
	if err != nil {
		return err
	}
	c.id, _ = v[0].(int64)
	c.next = graphEdge{to: textOf(v[1]), kinds: edgeKinds(textOf(v[2]), textOf(v[3]))}
	return nil
}

// of returns the links that leave a memory.
func (c *edgeCursor) of(id int64) ([]graphEdge, error) {
	var out []graphEdge
	for c.more && c.id <= id {
		if c.id == id {
			out = append(out, c.next)
		}
		if err := c.advance(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *edgeCursor) close() {
	if c.rows != nil {
		_ = c.rows.Close() // what it could not read came as an error before
	}
}

// loose names the links that leave no memory of the database.
func (s serviceDB) loose(ctx context.Context, yield func(Entry) bool) (err error) {
	if !s.tables["memory_graph"] {
		return nil
	}
	rows, err := s.db.QueryContext(ctx, "SELECT rowid, source_hash FROM memory_graph g WHERE NOT "+
		"EXISTS (SELECT 1 FROM memories m WHERE m.content_hash = g.source_hash) ORDER BY rowid")
	if err != nil {
		return fmt.Errorf("read memory_graph: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := rowValues(rows, 2)
		if err != nil {
			return fmt.Errorf("read memory_graph: %w", err)
		}
		if !yield(Entry{Rejected: fmt.Sprintf("link (%s): it leaves %.80s, which is not there",
			rowName("memory_graph", v[0]), textOf(v[1]))}) {
			return errStop
		}
	}
	return rows.Err()
}
