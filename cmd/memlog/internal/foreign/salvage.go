package foreign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// salvaged is what the pages of a damaged database still hold of one table.
type salvaged struct {
	rows   map[int64]place // by rowid
	cut    map[int64]bool  // rows of which a part is lost
	orphan int             // rows of pages that nothing leads to any more
}

// place is where a row stands.
type place struct {
	page uint32
	cell int
	sure bool // the table's tree leads there
}

// salvage finds the rows of a table. Those that its tree at root still leads to come first; then
// pages that nothing leads to, since what led to them is damaged, are looked through for rows that
// fit. Pages that the database gave up are left out: what is in them was deleted.
func (p *pageFile) salvage(ctx context.Context, root uint32, fits func(row) bool) (
	salvaged, error) {
	s := salvaged{rows: map[int64]place{}, cut: map[int64]bool{}}
	seen := map[uint32]bool{}
	take := func(t btree, sure bool) {
		if t.kind != pageTableLeaf {
			return
		}
		for _, c := range t.cells {
			r, err := p.cell(t, c)
			switch {
			case errors.Is(err, errCut) && sure && r.id > 0:
				s.cut[r.id] = true
			case err != nil || !fits(r):
			case s.rows[r.id].page == 0:
				s.rows[r.id] = place{t.n, c, sure}
				if !sure {
					s.orphan++
				}
			}
		}
	}
	p.leaves(root, seen, func(t btree) { take(t, true) })
	free := p.free()
	for n := uint32(1); n <= p.count && n != 0; n++ {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if seen[n] || free[n] {
			continue
		}
		if t, ok := p.btree(n); ok {
			take(t, false)
		}
	}
	for id := range s.rows {
		delete(s.cut, id)
	}
	return s, nil
}

// each yields the rows in their order.
func (p *pageFile) each(s salvaged, yield func(row) bool) bool {
	for _, id := range slices.Sorted(maps.Keys(s.rows)) {
		at := s.rows[id]
		t, ok := p.btree(at.page)
		if !ok {
			continue
		}
		if r, err := p.cell(t, at.cell); err == nil && !yield(r) {
			return false
		}
	}
	return true
}

// indexed finds the rowids that index entries of a text and a rowid still name, with the text.
func (p *pageFile) indexed(fits func(string) bool) map[int64]string {
	out := map[int64]string{}
	free := p.free()
	for n := uint32(1); n <= p.count && n != 0; n++ {
		t, ok := p.btree(n)
		if !ok || free[n] || t.kind != pageIndexLeaf && t.kind != pageIndexInterior {
			continue
		}
		for _, c := range t.cells {
			r, err := p.cell(t, c)
			if err != nil || len(r.values) != 2 {
				continue
			}
			text, isText := r.values[0].(string)
			if id, isID := r.values[1].(int64); isText && isID && fits(text) {
				out[id] = text
			}
		}
	}
	return out
}

// root finds the root page of a table; 0 where the schema does not say.
func (p *pageFile) root(table string) uint32 {
	var root uint32
	p.leaves(1, map[uint32]bool{}, func(t btree) {
		for _, c := range t.cells {
			if t.kind != pageTableLeaf {
				continue
			}
			r, err := p.cell(t, c)
			if err != nil || len(r.values) < 4 || r.values[0] != "table" || r.values[1] != table {
				continue
			}
			if n, ok := r.values[3].(int64); ok && n > 0 && n <= int64(p.count) {
				root = uint32(n)
			}
		}
	})
	return root
}

// pages opens the database by its pages, with what stands in its write-ahead log brought in where
// SQLite can still do that.
func (d *database) pages(ctx context.Context, r *report) (*pageFile, error) {
	if d.db != nil {
		if _, err := d.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			r.Notes = append(r.Notes, "its write-ahead log could not be brought in: "+err.Error())
		}
	}
	return openPages(d.path)
}

// isHash reports whether s is 64 hexadecimal digits, as content hashes are.
func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func textAt(r row, i int) string {
	if i >= len(r.values) {
		return ""
	}
	s, _ := r.values[i].(string)
	return s
}

// salvageFrom reads what is left of a damaged database. One of which nothing is left is rejected:
// it must not pass for one that holds nothing.
func salvageFrom(ctx context.Context, d *database, damage string,
	salvage func(context.Context, *database, *report, func(Entry) bool) error,
	r *report, yield func(Entry) bool) error {
	r.Notes = append(r.Notes, "the database is damaged: "+damage+"; its pages were read one by one")
	n := 0
	err := salvage(ctx, d, r, func(e Entry) bool {
		n++
		return yield(e)
	})
	if err == nil && n == 0 && !yield(Entry{Rejected: "damaged, and no memory can be read"}) {
		return errStop
	}
	return err
}

// salvageService reads what is left of mcp-memory-service's database.
func salvageService(ctx context.Context, d *database, r *report, yield func(Entry) bool) error {
	p, err := d.pages(ctx, r)
	if err != nil {
		return err
	}
	defer p.close()
	s, err := p.salvage(ctx, p.root("memories"), func(r row) bool {
		return len(r.values) >= 8 && isHash(textAt(r, 1)) && textAt(r, 2) != ""
	})
	if err != nil {
		return err
	}
	edges, err := salvageEdges(ctx, p)
	if err != nil {
		return err
	}
	if s.orphan > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d of its rows stand in pages that nothing leads to any "+
			"more; a row that was changed there may be an older version", s.orphan))
	}
	columns := d.order(ctx, "memories", serviceColumns)
	more := p.each(s, func(found row) bool {
		values := byName(columns, found.values)
		values["id"] = found.id
		m := serviceRow(r, values)
		m.links = edges[m.hash]
		return yield(m.entry(r))
	})
	if !more {
		return errStop
	}
	indexed := p.indexed(isHash)
	if last := p.lastRow(ctx, "memories"); last > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("its highest row was %d; %d rows were read", last,
			len(s.rows)))
	}
	return missing(s, indexed, yield)
}

// lastRow is the highest rowid that a table ever had; 0 where the database does not say.
func (p *pageFile) lastRow(ctx context.Context, table string) int64 {
	s, err := p.salvage(ctx, p.root("sqlite_sequence"), func(r row) bool {
		return len(r.values) == 2 && r.values[0] == table
	})
	if err != nil {
		return 0
	}
	var last int64
	p.each(s, func(r row) bool {
		n, _ := r.values[1].(int64)
		last = max(last, n)
		return true
	})
	return last
}

// missing names the rows that are known to have been there and were not found.
func missing(s salvaged, indexed map[int64]string, yield func(Entry) bool) error {
	lost := map[int64]string{}
	for id := range s.cut {
		lost[id] = errCut.Error()
	}
	for id, hash := range indexed {
		if s.rows[id].page == 0 && lost[id] == "" {
			lost[id] = "it stands in a damaged or missing page; its content hash is " + hash
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		if !yield(Entry{At: int(id), Rejected: lost[id]}) {
			return errStop
		}
	}
	return nil
}

// salvageEdges reads what is left of the links, by the hash of the memory they leave.
func salvageEdges(ctx context.Context, p *pageFile) (map[string][]graphEdge, error) {
	s, err := p.salvage(ctx, p.root("memory_graph"), func(r row) bool {
		return len(r.values) >= 4 && isHash(textAt(r, 0)) && isHash(textAt(r, 1))
	})
	out := map[string][]graphEdge{}
	p.each(s, func(r row) bool {
		from := textAt(r, 0)
		out[from] = append(out[from], graphEdge{textAt(r, 1), edgeKinds(textAt(r, 6), textAt(r, 3))})
		return true
	})
	return out, err
}

// order returns the columns of a table in the order of its rows; known where the schema cannot say.
func (d *database) order(ctx context.Context, table string, known []string) []string {
	if d.db == nil {
		return known
	}
	rows, err := d.db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
	if err != nil {
		return known
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if rows.Scan(&name) != nil {
			return known
		}
		out = append(out, name)
	}
	if rows.Err() != nil || len(out) == 0 {
		return known
	}
	return out
}
