package foreign

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// serviceCollection is the collection in which mcp-memory-service kept its memories.
const serviceCollection = "memory_collection"

// documentKey is the metadata key under which Chroma keeps a document.
const documentKey = "chroma:document"

// The operations of Chroma's queue.
const (
	opAdd = iota
	opUpdate
	opUpsert
	opDelete
)

// chromaDB is the chroma.sqlite3 of a ChromaDB directory. Its memories are those of the tables
// embeddings and embedding_metadata, and what stands in the queue behind them.
type chromaDB struct{ *database }

// chromaRecord is one embedding: its id and its metadata, the document among it.
type chromaRecord struct {
	id     string
	values map[string]any
}

// collection is one collection, and how far the tables have taken its queue in.
type collection struct {
	id, name string
	segment  string // of its metadata
	taken    int64  // sequence number in the queue
}

func (c chromaDB) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	damage := c.damage(ctx, "collections", "segments", "embeddings", "embedding_metadata",
		"embeddings_queue")
	if damage != "" {
		return salvageFrom(ctx, c.database, damage, salvageChroma, r, yield)
	}
	all, err := c.collections(ctx)
	if err != nil {
		return fmt.Errorf("read collections: %w", err)
	}
	at := 0
	for _, col := range chosen(r, all) {
		err := c.collection(ctx, col, func(e chromaEntry) bool {
			at++
			return yield(e.entry(r, at))
		})
		if err != nil {
			return fmt.Errorf("read collection %s: %w", col.name, err)
		}
	}
	return nil
}

// chosen are the collections to take: that of mcp-memory-service, or all where there is none.
func chosen(r *report, all []collection) []collection {
	for _, c := range all {
		if c.name == serviceCollection {
			for _, other := range all {
				if other.name != serviceCollection {
					r.Notes = append(r.Notes, fmt.Sprintf("collection %s is not one of memories, and was left",
						other.name))
				}
			}
			return []collection{c}
		}
	}
	return all
}

func (c chromaDB) collections(ctx context.Context) ([]collection, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT c.id, c.name, coalesce(s.id, ''), m.seq_id
		FROM collections c
		LEFT JOIN segments s ON s.collection = c.id AND s.scope = 'METADATA'
		LEFT JOIN max_seq_id m ON m.segment_id = s.id ORDER BY c.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []collection
	for rows.Next() {
		v, err := rowValues(rows, 4)
		if err != nil {
			return nil, err
		}
		out = append(out, collection{textOf(v[0]), textOf(v[1]), textOf(v[2]), sequence(v[3])})
	}
	return out, rows.Err()
}

// sequence reads a sequence number, which older versions kept as eight bytes.
func sequence(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case []byte:
		if len(v) == 8 {
			return int64(binary.BigEndian.Uint64(v))
		}
	}
	return 0
}

// chromaEntry is a record, or the last that is known of one that was deleted.
type chromaEntry struct {
	chromaRecord
	deleted bool
}

// queued is what the queue makes of the tables: by id, the record as it is after it. gone are ids
// that were deleted there, with what they last were, as far as the queue still says it.
type queued struct {
	now   map[string]*chromaRecord // nil: deleted
	gone  map[string]*chromaRecord
	order []string
}

func (c chromaDB) collection(ctx context.Context, col collection,
	yield func(chromaEntry) bool) error {
	q, err := c.queue(ctx, col)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	more := true
	err = c.records(ctx, col.segment, func(rec chromaRecord) bool {
		if later, ok := q.now[rec.id]; ok {
			seen[rec.id] = true
			if later == nil {
				q.gone[rec.id] = &rec
				return true
			}
			rec.values = merge(rec.values, later.values)
		}
		more = yield(chromaEntry{rec, false})
		return more
	})
	if err != nil {
		return err
	}
	for _, id := range q.order {
		if later := q.now[id]; more && later != nil && !seen[id] {
			more = yield(chromaEntry{*later, false})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(q.gone)) {
		if more {
			more = yield(chromaEntry{*q.gone[id], true})
		}
	}
	if !more {
		return errStop
	}
	return nil
}

// records yields what the tables hold of a segment, in the order in which it came.
func (c chromaDB) records(ctx context.Context, segment string,
	yield func(chromaRecord) bool) error {
	have, err := c.columns(ctx, "embedding_metadata")
	if err != nil {
		return err
	}
	fields := []string{"key", "string_value", "int_value", "float_value", "bool_value"}
	rows, err := c.db.QueryContext(ctx, "SELECT e.id, e.embedding_id, "+selected(have, fields)+
		" FROM embeddings e LEFT JOIN embedding_metadata m ON m.id = e.id WHERE e.segment_id = ?"+
		" ORDER BY e.id", segment)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id int64
	var rec chromaRecord
	for rows.Next() {
		v, err := rowValues(rows, 2+len(fields))
		if err != nil {
			return err
		}
		if n, _ := v[0].(int64); rec.values == nil || n != id {
			if rec.values != nil && !yield(rec) {
				return nil
			}
			id, rec = n, chromaRecord{textOf(v[1]), map[string]any{}}
		}
		if key := textOf(v[2]); key != "" {
			rec.values[key] = metadataValue(v[3:])
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if rec.values != nil {
		yield(rec)
	}
	return nil
}

// metadataValue is the one of a row's value columns that is set.
func metadataValue(columns []any) any {
	for i, v := range columns {
		if v == nil {
			continue
		}
		if n, ok := v.(int64); ok && i == len(columns)-1 {
			return n != 0 // bool_value
		}
		return v
	}
	return nil
}

// queue reads a collection's queue: what the tables have not taken in changes them, and what they
// have says what deleted records were.
func (c chromaDB) queue(ctx context.Context, col collection) (queued, error) {
	q := queued{now: map[string]*chromaRecord{}, gone: map[string]*chromaRecord{}}
	if !c.tables["embeddings_queue"] {
		return q, nil
	}
	rows, err := c.db.QueryContext(ctx, `SELECT seq_id, operation, id, metadata FROM embeddings_queue
		WHERE topic LIKE ? ORDER BY seq_id`, "%/"+col.id)
	if err != nil {
		return q, err
	}
	defer rows.Close()
	past := deletedLater{rows: map[string]*chromaRecord{}}
	for rows.Next() {
		v, err := rowValues(rows, 4)
		if err != nil {
			return q, err
		}
		op, _ := v[1].(int64)
		rec := &chromaRecord{textOf(v[2]), jsonValues(textOf(v[3]))}
		if sequence(v[0]) <= col.taken {
			past.apply(op, rec)
			continue
		}
		q.apply(op, rec, past)
	}
	for id, rec := range past.gone {
		if _, again := q.now[id]; !again {
			q.gone[id] = rec
		}
	}
	return q, rows.Err()
}

// deletedLater follows the part of the queue that the tables have taken in, for the sake of what
// was deleted in it.
type deletedLater struct {
	rows map[string]*chromaRecord
	gone map[string]*chromaRecord
}

func (d *deletedLater) apply(op int64, rec *chromaRecord) {
	if d.gone == nil {
		d.gone = map[string]*chromaRecord{}
	}
	old := d.rows[rec.id]
	switch op {
	case opDelete:
		if old != nil && old.values[documentKey] != nil {
			d.gone[rec.id] = old
		}
		delete(d.rows, rec.id)
	default:
		if old != nil {
			rec.values = merge(old.values, rec.values)
		}
		d.rows[rec.id] = rec
		delete(d.gone, rec.id)
	}
}

// apply brings an operation in that the tables have not taken in.
func (q *queued) apply(op int64, rec *chromaRecord, past deletedLater) {
	old, known := q.now[rec.id]
	if !known {
		q.order = append(q.order, rec.id)
	}
	switch {
	case op == opDelete:
		if was := past.rows[rec.id]; old == nil && was != nil {
			old = was
		}
		if old != nil && old.values[documentKey] != nil {
			q.gone[rec.id] = old
		}
		q.now[rec.id] = nil
		return
	case old != nil && op != opAdd:
		rec.values = merge(old.values, rec.values)
	case old != nil:
		return // an id that is there is not added again
	}
	delete(q.gone, rec.id)
	q.now[rec.id] = rec
}

// merge lays the members of change over those of old; a null takes a member away.
func merge(old, change map[string]any) map[string]any {
	out := maps.Clone(old)
	for k, v := range change {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// jsonValues reads an object with its numbers as they stand.
func jsonValues(text string) map[string]any {
	out := map[string]any{}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// serviceOwn are the metadata keys that become fields of a memory.
var serviceOwn = []string{documentKey, "content_hash", "memory_type", "type", "tags", "timestamp",
	"timestamp_float", "timestamp_str", "created_at", "created_at_iso", "updated_at", "updated_at_iso"}

// entry makes the line of a record.
func (e chromaEntry) entry(r *report, at int) Entry {
	m := serviceMemory{at: at, hash: e.id, content: textOf(e.values[documentKey])}
	m.flat(e.values)
	if e.deleted {
		m.deletedAt = true
	}
	if hash := textOf(e.values["content_hash"]); hash != "" && hash != e.id {
		r.count(at, "the content hash is another than the id, and not kept")
	}
	out := m.entry(r)
	if out.Rejected != "" && m.content == "" {
		out.Rejected = fmt.Sprintf("%.80q has no document", e.id)
	}
	return out
}

// flat fills a memory from the metadata of a Chroma record, which holds everything.
func (m *serviceMemory) flat(values map[string]any) {
	if m.kind = textOf(values["memory_type"]); m.kind == "" {
		m.kind = textOf(values["type"])
	}
	switch tags := values["tags"].(type) {
	case []any:
		m.tags = tagList(tags)
	default:
		m.tags = splitTags(textOf(tags))
	}
	m.created = []any{values["created_at"], values["timestamp_float"], values["created_at_iso"],
		values["timestamp"], values["timestamp_str"]}
	m.updated = []any{values["updated_at"], values["updated_at_iso"]}
	rest := maps.Clone(values)
	for _, k := range serviceOwn {
		delete(rest, k)
	}
	if len(rest) > 0 {
		if b, err := json.Marshal(rest); err == nil { // maps of JSON values and columns
			m.metadata = b
		}
	}
}

// salvageChroma reads what is left of a Chroma database.
func salvageChroma(ctx context.Context, d *database, r *report, yield func(Entry) bool) error {
	p, err := d.pages(ctx, r)
	if err != nil {
		return err
	}
	defer p.close()
	ids, values, err := salvageRecords(ctx, p)
	if err != nil {
		return err
	}
	last := map[string]int64{} // the newest row of an id
	for row, id := range ids {
		last[id] = max(last[id], row)
	}
	at := 0
	for _, row := range slices.Sorted(maps.Keys(ids)) {
		id := ids[row]
		if last[id] != row || values[row][documentKey] == nil {
			continue
		}
		at++
		if !yield(chromaEntry{chromaRecord{id, values[row]}, false}.entry(r, at)) {
			return errStop
		}
	}
	for _, row := range slices.Sorted(maps.Keys(ids)) {
		if values[row][documentKey] == nil && !yield(Entry{At: int(row), Rejected: fmt.Sprintf(
			"the document of %.80s stands in a damaged or missing page", ids[row])}) {
			return errStop
		}
	}
	for _, row := range slices.Sorted(maps.Keys(values)) {
		doc := textOf(values[row][documentKey])
		if ids[row] != "" || doc == "" {
			continue
		}
		rec := chromaRecord{textOf(values[row]["content_hash"]), values[row]}
		r.count(int(row), "its id is lost; it is called by its content hash")
		at++
		if !yield(chromaEntry{rec, false}.entry(r, at)) {
			return errStop
		}
	}
	return nil
}

// salvageRecords reads what is left of the tables: ids and metadata, by row.
func salvageRecords(ctx context.Context, p *pageFile) (map[int64]string, map[int64]map[string]any,
	error) {
	ids, values := map[int64]string{}, map[int64]map[string]any{}
	emb, err := p.salvage(ctx, p.root("embeddings"), func(r row) bool {
		return len(r.values) == 5 && r.values[0] == nil && len(textAt(r, 1)) == 36 && textAt(r, 2) != ""
	})
	if err != nil {
		return nil, nil, err
	}
	p.each(emb, func(r row) bool {
		ids[r.id] = textAt(r, 2)
		return true
	})
	meta, err := p.salvage(ctx, p.root("embedding_metadata"), func(r row) bool {
		if len(r.values) < 5 || len(r.values) > 6 || textAt(r, 1) == "" {
			return false
		}
		_, isID := r.values[0].(int64)
		return isID && metadataValue(r.values[2:]) != nil
	})
	p.each(meta, func(r row) bool {
		id, _ := r.values[0].(int64)
		if values[id] == nil {
			values[id] = map[string]any{}
		}
		for len(r.values) < 6 {
			r.values = append(r.values, nil)
		}
		values[id][textAt(r, 1)] = metadataValue(r.values[2:])
		return true
	})
	return ids, values, err
}

// hasTables reports which kind of store a database is, by its tables.
func (d *database) hasTables(names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !d.tables[n] })
}
