package transfer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"memlog/wal/event"
)

// AppendJSON appends the line to dst, without a newline. It is written by hand, since
// encoding/json would compact metadata and so change it. It fails where a text is not valid UTF-8;
// then nothing of the line is appended.
//
// The same line always gives the same bytes, and a [Reader] makes the same line of them.
func (l Line) AppendJSON(dst []byte) ([]byte, error) {
	o := object{dst: dst}
	o.id("id", l.ID)
	o.text("content", l.Content)
	o.textIf("type", l.Type)
	o.textIf("project", l.Project)
	o.texts("tags", l.Tags)
	o.metadata(l.Metadata)
	o.time("created_at", l.CreatedAt)
	o.time("updated_at", l.UpdatedAt)
	o.number("version", l.Version)
	o.texts("aliases", l.Aliases)
	o.id("superseded_by", l.SupersededBy)
	o.flag("deleted", l.Deleted)
	o.flag("incomplete", l.Incomplete)
	list(&o, "occurrences", l.Occurrences, (*object).occurrence)
	list(&o, "links", l.Links, func(o *object, k event.Link) {
		if k.From != l.ID {
			o.id("from", k.From)
		}
		o.id("to", k.To)
		o.text("type", k.Type)
	})
	o.extra(l.Extra)
	o.time("about_at", l.AboutAt)
	o.flag("id_of_text", l.IDOfText)
	if o.err != nil {
		return dst, fmt.Errorf("write memory %s: %w", l.ID, o.err)
	}
	return o.end(), nil
}

// object writes a JSON object member by member. After the first error it writes nothing more.
type object struct {
	dst  []byte
	open bool // a member stands already
	err  error
}

func (o *object) key(name string) {
	lead := `,"`
	if !o.open {
		lead, o.open = `{"`, true
	}
	o.dst = append(append(append(o.dst, lead...), name...), `":`...)
}

func (o *object) end() []byte {
	if !o.open {
		return append(o.dst, '{', '}')
	}
	return append(o.dst, '}')
}

func (o *object) text(key, s string) {
	o.key(key)
	o.value(key, s)
}

// value writes s where a value stands.
func (o *object) value(key, s string) {
	var err error
	if o.dst, err = appendText(o.dst, s); err != nil && o.err == nil {
		o.err = fmt.Errorf("%s: %w", key, err)
	}
}

func (o *object) textIf(key, s string) {
	if s != "" {
		o.text(key, s)
	}
}

func (o *object) texts(key string, all []string) {
	if len(all) == 0 {
		return
	}
	o.key(key)
	for i, s := range all {
		o.dst = append(o.dst, "[,"[min(i, 1)])
		o.value(key, s)
	}
	o.dst = append(o.dst, ']')
}

func (o *object) id(key string, id event.ID) { o.textIf(key, id.String()) }

func (o *object) time(key string, t time.Time) {
	if !t.IsZero() {
		o.key(key)
		o.dst = appendTime(o.dst, t)
	}
}

func (o *object) number(key string, n uint64) {
	if n != 0 {
		o.key(key)
		o.dst = strconv.AppendUint(o.dst, n, 10)
	}
}

func (o *object) flag(key string, b bool) {
	if b {
		o.key(key)
		o.dst = append(o.dst, "true"...)
	}
}

func (o *object) binary(key string, b []byte) {
	o.key(key)
	o.dst = append(o.dst, '"')
	o.dst = base64.StdEncoding.AppendEncode(o.dst, b)
	o.dst = append(o.dst, '"')
}

// metadata writes m word for word where it can stand in a line. Where it cannot, since it has line
// breaks between its tokens or is no JSON, its bytes stand beside it as base64.
func (o *object) metadata(m []byte) {
	if len(m) == 0 {
		return
	}
	readable, same := inLine(m)
	if readable != nil {
		o.key("metadata")
		o.dst = append(o.dst, readable...)
	}
	if !same {
		o.binary("metadata_base64", m)
	}
}

// inLine returns metadata as it can stand in a line, nil where it cannot at all, and whether that
// is word for word. Raw line breaks are never inside the texts of valid JSON, so a blank in their
// place changes no value.
func inLine(m []byte) (readable []byte, same bool) {
	if !json.Valid(m) || !utf8.Valid(m) {
		return nil, false
	}
	trimmed := bytes.Trim(m, " \t\r\n")
	if !bytes.ContainsAny(trimmed, "\r\n") {
		return trimmed, len(trimmed) == len(m)
	}
	trimmed = slices.Clone(trimmed)
	for i, c := range trimmed {
		if c == '\r' || c == '\n' {
			trimmed[i] = ' '
		}
	}
	return trimmed, false
}

func (o *object) extra(x event.Extra) {
	if len(x) == 0 {
		return
	}
	o.key("extra")
	in := object{dst: o.dst}
	for _, k := range slices.Sorted(maps.Keys(x)) {
		name, err := appendText(nil, k)
		if err != nil && o.err == nil {
			o.err = fmt.Errorf("extra: key: %w", err)
		}
		if len(name) > 1 {
			in.binary(string(name[1:len(name)-1]), x[k])
		}
	}
	o.dst = in.end()
}

func (o *object) occurrence(c event.Occurrence) {
	o.id("id", c.ID)
	o.time("created_at", c.CreatedAt)
	o.metadata(c.Metadata)
	o.texts("tags", c.Tags)
	o.extra(c.Extra)
}

// list writes the elements of a list as objects, each filled by put.
func list[T any](o *object, key string, all []T, put func(*object, T)) {
	if len(all) == 0 {
		return
	}
	o.key(key)
	for i, e := range all {
		in := object{dst: append(o.dst, "[,"[min(i, 1)])}
		put(&in, e)
		o.dst = in.end()
		if in.err != nil && o.err == nil {
			o.err = fmt.Errorf("%s: [%d]: %w", key, i, in.err)
		}
	}
	o.dst = append(o.dst, ']')
}
