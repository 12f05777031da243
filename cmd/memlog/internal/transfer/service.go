package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// serviceJSON writes what mcp-memory-service's own importer takes (its sync/importer.py): an object
// with export_metadata and memories, each with a content hash, times as seconds, and metadata that
// is an object. What that tool has no field for stands in the metadata under memlogKey.
type serviceJSON struct {
	some  bool
	count int
	until string
}

// memlogKey is where an export for another tool keeps what only memlog has.
const memlogKey = "memlog"

// errNotLive keeps tombstones out: the other tool's importer would bring them to life.
var errNotLive = errors.New("it is deleted, and this format holds live memories only")

func (s *serviceJSON) begin(dst []byte, h Heading) []byte {
	if !h.Until.Time.IsZero() {
		s.until = h.Until.Time.UTC().Format(time.RFC3339)
	}
	return append(dst, `{"memories":[`...)
}

// end writes the heading last, where the number of memories is known: the members of an object have
// no order.
func (s *serviceJSON) end(dst []byte) []byte {
	dst = append(dst, "\n],\n"...)
	o := object{}
	o.text("source_machine", "memlog")
	o.textIf("export_timestamp", s.until)
	o.number("total_memories", uint64(s.count))
	if s.count == 0 {
		o.json("total_memories", 0)
	}
	o.text("exporter_version", "memlog")
	dst = append(append(dst, `"export_metadata":`...), o.end()...)
	return append(dst, "}\n"...)
}

func (s *serviceJSON) record(dst []byte, _ RecordLine) ([]byte, error) {
	return dst, errors.New("this format holds memories only")
}

func (s *serviceJSON) memory(dst []byte, l Line) ([]byte, error) {
	if l.Deleted {
		return dst, errNotLive
	}
	start := len(dst)
	if s.some {
		dst = append(dst, ',')
	}
	o := object{dst: append(dst, '\n')}
	o.text("content", l.Content)
	o.text("content_hash", serviceHash(l))
	o.json("tags", append([]string{}, l.Tags...))
	kind := l.Type
	if kind == "" {
		kind = "note"
	}
	o.text("memory_type", kind)
	o.json("created_at", seconds(l.CreatedAt))
	o.text("created_at_iso", l.CreatedAt.UTC().Format(timeLayout))
	o.json("updated_at", seconds(l.UpdatedAt))
	o.text("updated_at_iso", l.UpdatedAt.UTC().Format(timeLayout))
	o.json("metadata", serviceMetadata(l))
	if o.err != nil {
		return dst[:start], o.err
	}
	s.some = true
	s.count++
	return o.end(), nil
}

// serviceHash is the hash by which that tool calls a memory: the one it came with, or else that of
// its content, trimmed and in lower case.
func serviceHash(l Line) string {
	for _, a := range l.Aliases {
		if b, err := hex.DecodeString(a); err == nil && len(b) == sha256.Size {
			return a
		}
	}
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(l.Content))))
	return hex.EncodeToString(sum[:])
}

// seconds is a time as that tool has it: a number of seconds since 1970 with their fraction.
func seconds(t time.Time) json.RawMessage {
	micros := t.UnixMicro()
	return json.RawMessage(strconv.FormatFloat(float64(micros)/1e6, 'f', -1, 64))
}

// serviceMetadata is the metadata as an object, with what that tool has no field for.
func serviceMetadata(l Line) map[string]any {
	out := map[string]any{}
	if len(l.Metadata) > 0 {
		var members map[string]json.RawMessage
		if json.Unmarshal(l.Metadata, &members) == nil && members != nil {
			for k, v := range members {
				out[k] = v
			}
		} else {
			out["value"] = l.Metadata
		}
	}
	own := map[string]any{"id": l.ID, "version": l.Version}
	if l.Project != "" {
		own["project"] = l.Project
	}
	if !l.SupersededBy.IsZero() {
		own["superseded_by"] = l.SupersededBy
	}
	if len(l.Links) > 0 {
		var links []map[string]string
		for _, k := range l.Links {
			links = append(links, map[string]string{"to": k.To.String(), "type": k.Type})
		}
		own["links"] = links
	}
	out[memlogKey] = own
	return out
}
