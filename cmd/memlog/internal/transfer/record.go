package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// MaxFields bounds the encoded events of a record, in bytes, up to which the line shows their
// fields too. Beyond it only their encoding is written, so that every record fits in [MaxLine].
const MaxFields = 1 << 20

// RecordLine is one record of a log as a line of JSONL says it: the record as people read it, with
// the encoding of every event in Raw. The names in JSON are those of [memory.LogRecord].
//
// Raw is the truth. Fields show people what is in it; they are written, and not read back.
type RecordLine struct {
	LogID event.ID // the log whose record it is; never zero
	memory.LogRecord
	// Mark is the fact about the log itself that the record states, as one JSON object, or nil.
	Mark json.RawMessage
}

// AppendJSON appends the line to dst, without a newline. It fails where a text is not valid UTF-8,
// where a field or the mark is no JSON, and where an event has neither its encoding nor was
// destroyed; then nothing of the line is appended.
func (r RecordLine) AppendJSON(dst []byte) ([]byte, error) {
	o := object{dst: dst}
	o.id("log_id", r.LogID)
	o.number("seq", uint64(r.Seq))
	o.time("time", r.Time)
	o.time("wall", r.Wall)
	o.number("epoch", r.Epoch)
	o.textIf("hash", r.Hash)
	o.textIf("request_id", r.RequestID)
	o.textIf("group", r.Group)
	o.textIf("client", r.Client)
	o.textIf("client_version", r.ClientVer)
	o.textIf("session", r.Session)
	o.textIf("project", r.Project)
	o.textIf("user", r.User)
	o.textIf("host", r.Host)
	o.textIf("reason", r.Reason)
	o.flag("lost", r.Lost)
	if len(r.Mark) > 0 {
		o.json("mark", r.Mark)
	}
	show := r.rawSize() <= MaxFields
	list(&o, "events", r.Events, func(o *object, e memory.LogEvent) { o.event(e, show) })
	if o.err != nil {
		return dst, fmt.Errorf("write record %d: %w", r.Seq, o.err)
	}
	return o.end(), nil
}

func (r RecordLine) rawSize() int {
	n := 0
	for _, e := range r.Events {
		n += len(e.Raw)
	}
	return n
}

func (o *object) event(e memory.LogEvent, showFields bool) {
	o.textIf("kind", e.Kind)
	o.flag("destroyed", e.Destroyed)
	if showFields && len(e.Fields) > 0 {
		o.json("fields", e.Fields)
	}
	switch {
	case len(e.Raw) > 0:
		o.binary("raw", e.Raw)
	case !e.Destroyed && o.err == nil:
		o.err = fmt.Errorf("%s event without its encoding", e.Kind)
	}
}

// json writes a value as encoding/json does, on one line and without escapes for HTML.
func (o *object) json(key string, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		if o.err == nil {
			o.err = fmt.Errorf("%s: %w", key, err)
		}
		return
	}
	o.key(key)
	o.dst = append(o.dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
