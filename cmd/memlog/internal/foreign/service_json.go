package foreign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// jsonDocument is one JSON document: the exports and backups of mcp-memory-service, and what
// memlog export --format json wrote. Its elements are read one at a time.
type jsonDocument struct {
	textFile
	text *bufio.Reader
}

// listKeys are the members of a document that hold its memories.
var listKeys = map[string]bool{"memories": true, "results": true, "data": true}

func (j jsonDocument) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	d := &documentReader{r: r, yield: yield, columns: map[string][]json.RawMessage{}}
	d.src = boundedReader{r: contextReader{ctx, j.text}}
	d.d = json.NewDecoder(&d.src)
	d.d.UseNumber()
	err := d.document()
	if err == nil {
		err = d.parallel()
	}
	if err == nil || errors.Is(err, errStop) || ctx.Err() != nil {
		return err
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) &&
		!errors.Is(err, errElement) {
		return err
	}
	if perr := d.parallel(); perr != nil {
		return perr
	}
	return d.broken(err)
}

// documentReader reads a document.
type documentReader struct {
	src     boundedReader
	d       *json.Decoder
	r       *report
	yield   func(Entry) bool
	n       int
	columns map[string][]json.RawMessage // ids, documents, metadatas: side by side
}

// broken names the place where a document is cut off or damaged.
func (d *documentReader) broken(err error) error {
	what := "the document is damaged"
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		what = "the document is cut off"
	case errors.Is(err, errElement):
		what = errElement.Error()
	}
	if !d.yield(Entry{At: d.n + 1, Rejected: fmt.Sprintf("%s at byte %d: nothing behind it can be "+
		"read", what, d.d.InputOffset())}) {
		return errStop
	}
	return nil
}

func (d *documentReader) document() error {
	t, err := d.d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		return d.list()
	case json.Delim('{'):
		for d.d.More() {
			if err := d.member(); err != nil {
				return err
			}
		}
		_, err = d.d.Token()
		return err
	default:
		return fmt.Errorf("%.40s is no list of memories", fmt.Sprint(t))
	}
}

// decode reads one value, of a bounded size.
func (d *documentReader) decode(raw *json.RawMessage) error {
	d.src.until = d.d.InputOffset() + transfer.MaxLine
	return d.d.Decode(raw)
}

// boundedReader ends where one value takes more than a line may have: it would have to be held
// whole.
type boundedReader struct {
	r     io.Reader
	read  int64
	until int64 // what the present value may reach; 0: not bounded
}

var errElement = fmt.Errorf("one element has more than %d bytes", transfer.MaxLine)

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.until > 0 && b.read > b.until {
		return 0, errElement
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	return n, err
}

// member reads one member of the outermost object.
func (d *documentReader) member() error {
	t, err := d.d.Token()
	if err != nil {
		return err
	}
	key, _ := t.(string)
	switch {
	case key == "ids" || key == "documents" || key == "metadatas":
		return d.column(key)
	case !listKeys[key]:
		var skipped json.RawMessage
		return d.decode(&skipped)
	}
	t, err = d.d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		d.r.Notes = append(d.r.Notes, key+" is no list")
		return nil
	}
	return d.list()
}

// list reads the elements up to the end of a list that has begun.
func (d *documentReader) list() error {
	for d.d.More() {
		var raw json.RawMessage
		if err := d.decode(&raw); err != nil {
			return err
		}
		d.n++
		if !d.yield(d.element(raw)) {
			return errStop
		}
	}
	_, err := d.d.Token()
	return err
}

// column reads one of the lists that stand side by side.
func (d *documentReader) column(key string) error {
	t, err := d.d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return nil
	}
	for d.d.More() {
		var raw json.RawMessage
		if err := d.decode(&raw); err != nil {
			return err
		}
		d.columns[key] = append(d.columns[key], raw)
	}
	_, err = d.d.Token()
	return err
}

// parallel yields the memories of lists that stand side by side.
func (d *documentReader) parallel() error {
	ids, docs, metas := d.columns["ids"], d.columns["documents"], d.columns["metadatas"]
	clear(d.columns)
	for i, id := range ids {
		d.n++
		object := map[string]json.RawMessage{"id": id}
		if i < len(docs) {
			object["document"] = docs[i]
		}
		if i < len(metas) {
			object["metadata"] = metas[i]
		}
		if !d.yield(d.memory(object)) {
			return errStop
		}
	}
	if n := max(len(docs), len(metas)); n > len(ids) {
		d.n = n
		if !d.yield(Entry{At: len(ids) + 1, Rejected: fmt.Sprintf("%d documents or their metadata have "+
			"no id", n-len(ids))}) {
			return errStop
		}
	}
	return nil
}

// element makes what it can of one element of a list.
func (d *documentReader) element(raw json.RawMessage) Entry {
	raw = d.valid(raw)
	if raw[0] != '{' {
		return Entry{At: d.n, Rejected: fmt.Sprintf("no object but %.40s", raw)}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return Entry{At: d.n, Rejected: "not JSON: " + err.Error()}
	}
	if id := jsonText(object["id"]); object["document"] == nil && object["content_hash"] == nil {
		if _, err := event.ParseID(id); err == nil {
			return d.ours(raw)
		}
	}
	return d.memory(object)
}

// valid makes an element valid UTF-8.
func (d *documentReader) valid(raw json.RawMessage) json.RawMessage {
	fixed, bad := fixUTF8(raw)
	if bad > 0 {
		d.r.count(d.n, "bytes that are no UTF-8 were read as Windows-1252")
	}
	return fixed
}

// ours reads an element that memlog wrote: a line of its JSONL, within a list.
func (d *documentReader) ours(raw json.RawMessage) Entry {
	line := bytes.NewReader(bytes.ReplaceAll(raw, []byte("\n"), []byte(" ")))
	item, err := transfer.NewReader(line, transfer.ReaderOptions{}).Next()
	switch {
	case err != nil:
		return Entry{At: d.n, Rejected: err.Error()}
	case item.Rejected != nil:
		return Entry{At: d.n, Rejected: item.Rejected.Reason}
	case item.Memory == nil:
		return Entry{At: d.n, Rejected: "a record of a log; import it as JSON lines"}
	}
	return Entry{At: d.n, Memory: *item.Memory}
}

// memory makes the line of an element of any of the shapes.
func (d *documentReader) memory(o map[string]json.RawMessage) Entry {
	m := serviceMemory{at: d.n, content: first(o, "content", "document", documentKey),
		hash: first(o, "content_hash", "hash", "id")}
	meta := o["metadata"]
	if text := jsonText(meta); text != "" { // the metadata of some shapes is JSON within a text
		meta = json.RawMessage(text)
	}
	if o["document"] != nil && json.Valid(meta) {
		m.flat(jsonValues(string(meta)))
		return m.entry(d.r)
	}
	m.setMetadata(d.r, string(meta))
	if tags := o["tags"]; len(tags) > 0 && string(tags) != "null" {
		m.tags = splitTags(unquote(string(tags)))
	}
	m.kind = first(o, "memory_type", "type")
	m.created = scalars(o, "created_at", "created_at_iso", "timestamp")
	m.updated = scalars(o, "updated_at", "updated_at_iso")
	if deleted := scalars(o, "deleted_at")[0]; deleted != nil {
		m.deletedAt = deleted
	}
	m.superseded, m.parent = first(o, "superseded_by"), first(o, "parent_id")
	for k := range o {
		if !serviceMembers[k] {
			d.r.count(d.n, "field %.40q is not kept", k)
		}
	}
	return m.entry(d.r)
}

// serviceMembers are the members of an element that are read, or say nothing of their own: a vector
// is worth nothing without the model that made it.
var serviceMembers = map[string]bool{"content": true, "document": true, "content_hash": true,
	"hash": true, "id": true, "metadata": true, "tags": true, "memory_type": true, "type": true,
	"created_at": true, "created_at_iso": true, "timestamp": true, "updated_at": true,
	"updated_at_iso": true, "deleted_at": true, "superseded_by": true, "parent_id": true,
	"embedding": true}

// first returns the first of the members that is a text, or a number as one.
func first(o map[string]json.RawMessage, keys ...string) string {
	for _, k := range keys {
		raw := o[k]
		if s := jsonText(raw); s != "" {
			return s
		}
		if len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
			return string(raw)
		}
	}
	return ""
}

// scalars returns members as they are, nil for those that are no text and no number.
func scalars(o map[string]json.RawMessage, keys ...string) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		raw := o[k]
		switch {
		case len(raw) == 0 || string(raw) == "null":
		case raw[0] == '"':
			out[i] = jsonText(raw)
		default:
			out[i] = json.Number(raw)
		}
	}
	return out
}

// jsonText returns a JSON text's value; "" for anything else.
func jsonText(raw json.RawMessage) string {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return ""
}

// unquote returns the value of a JSON text, and anything else as it stands.
func unquote(raw string) string {
	if strings.HasPrefix(raw, `"`) {
		return jsonText(json.RawMessage(raw))
	}
	return raw
}
