package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"memlog/wal/event"
)

// decoder makes a line of a valid JSON object.
type decoder struct {
	zone  *time.Location
	notes []string // what the line says that is not kept, each once; see note
}

// Notes are kept by what was noted, so each ends alike.
const (
	notKept = " is not kept"
	wasCut  = " is finer than a microsecond and was cut"
)

// note keeps that something of a field is lost. One more than are shown is enough of one line.
func (d *decoder) note(field, what string) {
	if len(d.notes) > MaxNotes {
		return
	}
	n := fmt.Sprintf("field %q%s", cutText(field, 64), what)
	if !slices.Contains(d.notes, n) {
		d.notes = append(d.notes, n)
	}
}

// takers read a value into a T, by key.
type takers[T any] map[string]func(d *decoder, into *T, raw []byte) error

// take reads the members of raw into a T. A null counts as left out, except where it is a value
// of its own. What the takers do not know is noted under prefix.
func take[T any](d *decoder, raw []byte, into *T, by takers[T], prefix string) error {
	if raw[0] != '{' {
		return wrongType("an object", raw)
	}
	return eachField(raw, func(key string, v []byte) error {
		f, known := by[key]
		switch {
		case !known:
			d.note(prefix+key, notKept)
			return nil
		case isNull(v) && key != "metadata":
			return nil
		default:
			return f(d, into, v)
		}
	})
}

// into makes a taker of a function that reads one value.
func into[T, V any](
	read func([]byte) (V, error), field func(*T) *V,
) func(*decoder, *T, []byte) error {
	return func(_ *decoder, t *T, raw []byte) (err error) {
		*field(t), err = read(raw)
		return err
	}
}

// timeInto makes a taker of a time; name is for the notes.
func timeInto[T any](name string, field func(*T) *time.Time) func(*decoder, *T, []byte) error {
	return func(d *decoder, t *T, raw []byte) error {
		got, cut, err := parseTime(raw, d.zone)
		if cut {
			d.note(name, wasCut)
		}
		*field(t) = got
		return err
	}
}

// draft is a Line in the making.
type draft struct {
	Line
	hasContent bool
	exact      []byte // metadata_base64
}

var lineTakers = takers[draft]{
	"id":       into(identifier, func(l *draft) *event.ID { return &l.ID }),
	"content":  takeContent,
	"type":     into(text, func(l *draft) *string { return &l.Type }),
	"project":  into(text, func(l *draft) *string { return &l.Project }),
	"tags":     into(texts, func(l *draft) *[]string { return &l.Tags }),
	"metadata": into(verbatim, func(l *draft) *json.RawMessage { return &l.Metadata }),
	"metadata_base64": into(binary,
		func(l *draft) *[]byte { return &l.exact }),
	"created_at": timeInto("created_at", func(l *draft) *time.Time { return &l.CreatedAt }),
	"updated_at": timeInto("updated_at", func(l *draft) *time.Time { return &l.UpdatedAt }),
	"version":    into(number, func(l *draft) *uint64 { return &l.Version }),
	"aliases":    into(texts, func(l *draft) *[]string { return &l.Aliases }),
	"superseded_by": into(identifier,
		func(l *draft) *event.ID { return &l.SupersededBy }),
	"deleted":     into(boolean, func(l *draft) *bool { return &l.Deleted }),
	"incomplete":  into(boolean, func(l *draft) *bool { return &l.Incomplete }),
	"occurrences": takeOccurrences,
	"links":       takeLinks,
	"extra":       into(extra, func(l *draft) *event.Extra { return &l.Extra }),
	"about_at":    timeInto("about_at", func(l *draft) *time.Time { return &l.AboutAt }),
	"id_of_text":  into(boolean, func(l *draft) *bool { return &l.IDOfText }),
}

// line reads a line of a memory and checks what needs more than one field.
func (d *decoder) line(raw []byte) (*Line, error) {
	var l draft
	if err := take(d, raw, &l, lineTakers, ""); err != nil {
		return nil, err
	}
	if !l.hasContent {
		return nil, errors.New("content: missing")
	}
	if l.Deleted && l.ID.IsZero() {
		return nil, errors.New("deleted: without an id it deletes nothing")
	}
	exact, err := exactMetadata(l.Metadata, l.exact)
	if err != nil {
		return nil, err
	}
	l.Metadata = exact
	if err := l.ownLinks(); err != nil {
		return nil, err
	}
	if _, err := l.Memory(); err != nil {
		return nil, err
	}
	return &l.Line, nil
}

func takeContent(_ *decoder, l *draft, raw []byte) (err error) {
	l.Content, err = text(raw)
	l.hasContent = true
	return err
}

// ownLinks fills in the ends that links leave to the memory they stand with.
func (l *draft) ownLinks() error {
	for i, k := range l.Links {
		if k.From.IsZero() {
			l.Links[i].From = l.ID
		} else if k.From != l.ID && k.To != l.ID {
			return fmt.Errorf("links: [%d]: neither end is this memory", i)
		}
	}
	return nil
}

var linkTakers = takers[event.Link]{
	"from": into(identifier, func(k *event.Link) *event.ID { return &k.From }),
	"to":   into(identifier, func(k *event.Link) *event.ID { return &k.To }),
	"type": into(text, func(k *event.Link) *string { return &k.Type }),
}

func takeLinks(d *decoder, l *draft, raw []byte) error {
	return eachElement(raw, func(_ int, v []byte) error {
		var k event.Link
		if err := take(d, v, &k, linkTakers, "links."); err != nil {
			return err
		}
		if k.To.IsZero() {
			return errors.New("to: missing")
		}
		l.Links = append(l.Links, k)
		return nil
	})
}

// draftOccurrence is an event.Occurrence in the making.
type draftOccurrence struct {
	event.Occurrence
	readable json.RawMessage
	exact    []byte
}

var occurrenceTakers = takers[draftOccurrence]{
	"id": into(identifier, func(o *draftOccurrence) *event.ID { return &o.ID }),
	"created_at": timeInto("occurrences.created_at",
		func(o *draftOccurrence) *time.Time { return &o.CreatedAt }),
	"metadata": into(verbatim,
		func(o *draftOccurrence) *json.RawMessage { return &o.readable }),
	"metadata_base64": into(binary,
		func(o *draftOccurrence) *[]byte { return &o.exact }),
	"tags":  into(texts, func(o *draftOccurrence) *[]string { return &o.Tags }),
	"extra": into(extra, func(o *draftOccurrence) *event.Extra { return &o.Extra }),
}

func takeOccurrences(d *decoder, l *draft, raw []byte) error {
	return eachElement(raw, func(_ int, v []byte) error {
		var o draftOccurrence
		if err := take(d, v, &o, occurrenceTakers, "occurrences."); err != nil {
			return err
		}
		if o.ID.IsZero() {
			return errors.New("id: missing")
		}
		var err error
		if o.Metadata, err = exactMetadata(o.readable, o.exact); err != nil {
			return err
		}
		if len(o.Extra) > 0 {
			if err := checkOccurrenceExtra(o.Occurrence); err != nil {
				return fmt.Errorf("extra: %w", err)
			}
		}
		l.Occurrences = append(l.Occurrences, o.Occurrence)
		return nil
	})
}

// exactMetadata returns metadata word for word: what stands in the line, or the bytes beside it,
// which must say the same.
func exactMetadata(readable json.RawMessage, exact []byte) (json.RawMessage, error) {
	if exact == nil {
		return readable, nil
	}
	if !json.Valid(exact) || !utf8.Valid(exact) {
		return nil, errors.New("metadata_base64: not JSON")
	}
	if readable != nil && !bytes.Equal(compact(readable), compact(exact)) {
		return nil, errors.New("metadata_base64: not what metadata says; leave one of them out")
	}
	return exact, nil
}

// compact returns valid JSON without the white space between its tokens.
func compact(valid []byte) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, valid) // fails only where it is not valid
	return b.Bytes()
}

// verbatim keeps a value as it stands.
func verbatim(raw []byte) (json.RawMessage, error) { return bytes.Clone(raw), nil }

func extra(raw []byte) (event.Extra, error) {
	if raw[0] != '{' {
		return nil, wrongType("an object", raw)
	}
	x := event.Extra{}
	err := eachField(raw, func(key string, v []byte) (err error) {
		x[key], err = binary(v)
		return err
	})
	if len(x) == 0 {
		return nil, err
	}
	return x, err
}

// cutText returns at most n bytes of s, whole characters.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
