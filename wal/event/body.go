package event

import (
	"fmt"
	"time"
)

// bodies makes an empty event of each known kind and fills it from a body.
var bodies = map[Kind]func(*reader) Event{
	KindStored:   func(r *reader) Event { return Stored{r.memory()} },
	KindUpdated:  func(r *reader) Event { return Updated{r.memory()} },
	KindReverted: func(r *reader) Event { return Reverted{r.memory()} },
	KindRestored: func(r *reader) Event { return Restored{r.memory()} },
	KindDeleted: func(r *reader) Event {
		return Deleted{ID: r.requireID("id"), SupersededBy: r.id("s")}
	},
	KindRetracted:  func(r *reader) Event { return Retracted{ID: r.requireID("id")} },
	KindRepeated:   takeRepeated,
	KindUnrepeated: takeUnrepeated,
	KindLinked:     func(r *reader) Event { return Linked{r.link()} },
	KindUnlinked:   func(r *reader) Event { return Unlinked{r.link()} },
	KindUndone:     takeUndone,
	KindDigested:   takeDigested,
	KindEmbedded:   takeEmbedded,
}

func known(k Kind) bool { _, ok := bodies[k]; return ok }

func takeBody(r *reader, k Kind) (Event, error) {
	e := bodies[k](r)
	return e, r.err
}

// putBody writes the fields of every known kind.
func putBody(f fields, e Event) error {
	switch e := e.(type) {
	case Stored:
		f.putMemory(e.Memory)
	case Updated:
		f.putMemory(e.Memory)
	case Reverted:
		f.putMemory(e.Memory)
	case Restored:
		f.putMemory(e.Memory)
	case Deleted:
		f.putID("id", e.ID)
		f.putID("s", e.SupersededBy)
	case Retracted:
		f.putID("id", e.ID)
	case Repeated:
		f.putID("id", e.ID)
		f.put("o", occurrenceFields(e.Occurrence))
		f.putStrings("g", e.Tags)
	case Unrepeated:
		f.putID("id", e.ID)
		f.putID("o", e.Occurrence)
		f.putStrings("g", e.Tags)
	case Linked:
		f.putLink(e.Link)
	case Unlinked:
		f.putLink(e.Link)
	case Undone:
		f.putNumbers("s", e.Seqs)
		f.putNumbers("r", e.Redone)
	case Digested:
		f.put("v", e.Version)
		f.put("n", e.Seq)
		f.put("d", e.Digest)
	case Embedded:
		f.putID("id", e.ID)
		f.put("v", e.Version)
		f.put("l", e.Model)
		f.put("e", e.Encoding)
		f.put("x", e.Vector)
	default:
		return fmt.Errorf("encode event: no encoding for %T", e)
	}
	return nil
}

func takeRepeated(r *reader) Event {
	e := Repeated{ID: r.requireID("id")}
	e.Occurrence = r.occurrence("o")
	r.take("g", &e.Tags)
	return e
}

func takeUnrepeated(r *reader) Event {
	e := Unrepeated{ID: r.requireID("id"), Occurrence: r.requireID("o")}
	r.take("g", &e.Tags)
	return e
}

func takeUndone(r *reader) Event {
	e := Undone{}
	r.take("s", &e.Seqs)
	r.take("r", &e.Redone)
	return e
}

func takeDigested(r *reader) Event {
	e := Digested{}
	r.take("v", &e.Version)
	r.take("n", &e.Seq)
	r.take("d", &e.Digest)
	return e
}

func takeEmbedded(r *reader) Event {
	e := Embedded{ID: r.requireID("id")}
	r.take("v", &e.Version)
	r.take("l", &e.Model)
	r.take("e", &e.Encoding)
	r.take("x", &e.Vector)
	return e
}

func (f fields) putMemory(m Memory) {
	f.putID("id", m.ID)
	f.put("v", m.Version)
	f.putString("c", m.Content)
	f.putString("t", m.Type)
	f.putString("p", m.Project)
	f.putStrings("g", m.Tags)
	f.putBytes("m", m.Metadata)
	f.putTime("n", m.CreatedAt)
	f.putTime("u", m.UpdatedAt)
	f.putStrings("a", m.Aliases)
	f.putID("s", m.SupersededBy)
	f.putExtra(m.Extra)
}

// memory takes all that is left, since the fields of a memory are the body itself.
func (r *reader) memory() Memory {
	m := Memory{ID: r.requireID("id")}
	r.take("v", &m.Version)
	r.take("c", &m.Content)
	r.take("t", &m.Type)
	r.take("p", &m.Project)
	r.take("g", &m.Tags)
	r.take("m", &m.Metadata)
	m.CreatedAt, m.UpdatedAt = r.time("n"), r.time("u")
	r.take("a", &m.Aliases)
	m.SupersededBy = r.id("s")
	m.Extra = r.rest()
	r.fields = nil
	return m
}

// occurrenceFields returns the nested map of an occurrence.
func occurrenceFields(o Occurrence) map[string]any {
	f := fields{}
	f.putID("id", o.ID)
	f.putTime("n", o.CreatedAt)
	f.putBytes("m", o.Metadata)
	f.putStrings("g", o.Tags)
	f.putExtra(o.Extra)
	return f
}

func (r *reader) occurrence(key string) Occurrence {
	in := reader{}
	r.take(key, &in.fields)
	if r.err != nil {
		return Occurrence{}
	}
	o := Occurrence{ID: in.requireID("id"), CreatedAt: in.time("n")}
	in.take("m", &o.Metadata)
	in.take("g", &o.Tags)
	o.Extra = in.rest()
	if in.err != nil {
		r.err = fmt.Errorf("occurrence: %w", in.err)
	}
	return o
}

func (f fields) putLink(l Link) {
	f.putID("f", l.From)
	f.putID("o", l.To)
	f.put("t", l.Type)
}

func (r *reader) link() Link {
	l := Link{From: r.requireID("f"), To: r.requireID("o")}
	r.take("t", &l.Type)
	return l
}

func (f fields) putID(key string, id ID) {
	if !id.IsZero() {
		f.put(key, id[:])
	}
}

func (r *reader) id(key string) ID {
	var b []byte
	r.take(key, &b)
	if len(b) != 0 && len(b) != len(ID{}) && r.err == nil {
		r.err = fmt.Errorf("field %q: id of %d bytes", key, len(b))
	}
	if len(b) != len(ID{}) {
		return ID{}
	}
	return ID(b)
}

func (r *reader) requireID(key string) ID {
	id := r.id(key)
	if id.IsZero() && r.err == nil {
		r.err = fmt.Errorf("field %q: no id", key)
	}
	return id
}

// putTime writes microseconds since 1970; the zero time is left out.
func (f fields) putTime(key string, t time.Time) {
	if !t.IsZero() {
		f.put(key, t.UnixMicro())
	}
}

func (r *reader) time(key string) time.Time {
	if _, ok := r.fields[key]; !ok {
		return time.Time{}
	}
	var us int64
	r.take(key, &us)
	if r.err == nil && (us < minMicros || us > maxMicros) {
		r.err = fmt.Errorf("field %q: time outside the years 1 to 9999", key)
	}
	return time.UnixMicro(us).UTC()
}

// The bounds of a time: years 1 to 9999, so that RFC 3339 can write it.
var (
	minMicros = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxMicros = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro()
)

func (f fields) putString(key, s string) {
	if s != "" {
		f.put(key, s)
	}
}

func (f fields) putStrings(key string, s []string) {
	if len(s) > 0 {
		f.put(key, s)
	}
}

func (f fields) putNumbers(key string, n []uint64) {
	if len(n) > 0 {
		f.put(key, n)
	}
}

func (f fields) putBytes(key string, b []byte) {
	if len(b) > 0 {
		f.put(key, b)
	}
}
