package store

import (
	"fmt"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// spoken is what the lines of a chunk before the present one came to.
type spoken struct {
	fresh map[[32]byte]*event.Memory // by content, what they made
	said  map[memory.ID]importLine   // by memory
	names map[string]bool            // aliases of what they made
}

// decideChunk returns the events that the lines of a chunk come to, up to one that speaks of a
// memory otherwise than a line before it: t.ids has one id for each line that was decided, and at
// least one.
func (in *importing) decideChunk(v *index.View, chunk []importLine, t *tally) (
	[]event.Event, error) {
	var out []event.Event
	before := occasions{v: v}
	sp := spoken{map[[32]byte]*event.Memory{}, map[memory.ID]importLine{}, map[string]bool{}}
	for i := range chunk {
		l := chunk[i]
		if same := sp.fresh[l.key]; same != nil && l.m.ID.IsZero() {
			t.ids = append(t.ids, same.ID)
			t.present++
			lacking := without(l.m.Tags, same.Tags)
			if len(lacking) > 0 || !l.sameOccasion(same.CreatedAt, same.Metadata) {
				t.repeated++
				same.Tags = union(same.Tags, lacking)
				out = append(out, repeated(same.ID, l.m, lacking))
			}
			continue
		}
		d, ok, err := known(v, &l)
		if err == nil {
			d, ok, err = sp.apart(v, &l, d, ok)
		}
		if err == nil {
			err = sp.breakCircle(v, &l, t)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.n, err)
		}
		first, twice := sp.said[l.m.ID]
		switch {
		case twice && sameLine(first, l):
			t.ids = append(t.ids, l.m.ID)
			t.present++
			continue
		case twice, l.m.ID.IsZero() && sp.named(l):
			return out, nil
		}
		evs, err := in.decideLine(&before, &l, d, ok, t)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.n, err)
		}
		t.ids = append(t.ids, l.m.ID)
		sp.add(l, evs)
		out = append(out, evs...)
	}
	return out, nil
}

func (sp *spoken) add(l importLine, evs []event.Event) {
	sp.said[l.m.ID] = l
	if len(evs) == 0 || l.line.Deleted {
		return
	}
	if st, ok := evs[0].(event.Stored); ok {
		m := st.Memory
		sp.fresh[l.key] = &m
		for _, a := range m.Aliases {
			sp.names[a] = true
		}
	}
}

// named reports whether a line has an alias of what a line before it made.
func (sp *spoken) named(l importLine) bool {
	return slices.ContainsFunc(l.m.Aliases, func(a string) bool { return sp.names[a] })
}

// apart gives a line whose id was made of its text, without regard to case and outer blanks, an id
// of its own where the memory of that id is another text of the same kind.
func (sp *spoken) apart(v *index.View, l *importLine, d index.Doc, ok bool) (
	index.Doc, bool, error) {
	if !l.line.IDOfText {
		return d, ok, nil
	}
	var have string
	if first, said := sp.said[l.m.ID]; said {
		have = first.m.Content
	} else if ok {
		old, err := whole(d)
		if err != nil {
			return d, ok, err
		}
		have = old.Content
	}
	if have == "" || have == l.m.Content || foldedText(have) != foldedText(l.m.Content) {
		return d, ok, nil
	}
	own := *l.line
	own.ID = event.DerivedID(l.m.ID.String(), l.m.Content)
	own.Links = slices.Clone(own.Links)
	for i := range own.Links {
		if own.Links[i].From == l.m.ID {
			own.Links[i].From = own.ID
		}
	}
	l.line, l.m.ID = &own, own.ID
	return v.Doc(index.ID(own.ID))
}

func foldedText(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// maxCircle is how many memories are followed from one to what stands in for it.
const maxCircle = 1000

// breakCircle takes a line as not superseded where what stands in for it leads back to it: else
// none of them would stand for itself.
func (sp *spoken) breakCircle(v *index.View, l *importLine, t *tally) error {
	if l.line.Deleted {
		return nil
	}
	for at, n := l.m.SupersededBy, 0; !at.IsZero() && n < maxCircle; n++ {
		if at == l.m.ID {
			l.m.SupersededBy = memory.ID{}
			t.circles = append(t.circles, l.n)
			return nil
		}
		if said, ok := sp.said[at]; ok {
			at = said.m.SupersededBy
			continue
		}
		d, ok, err := v.Doc(index.ID(at))
		if err != nil || !ok || d.Deleted {
			return err
		}
		old, err := whole(d)
		if err != nil {
			return err
		}
		at = old.SupersededBy
	}
	return nil
}

// sameLine reports whether a line says of a memory what one before it said. A line that leaves the
// time to the import speaks of whatever time the other has.
func sameLine(a, b importLine) bool {
	return b.says(a.m) && a.line.Deleted == b.line.Deleted &&
		!slices.ContainsFunc(b.line.Occurrences, func(o event.Occurrence) bool {
			return !slices.ContainsFunc(a.line.Occurrences,
				func(h event.Occurrence) bool { return h.ID == o.ID })
		})
}

// decideLine returns the events of one line.
func (in *importing) decideLine(before *occasions, l *importLine, d index.Doc, ok bool,
	t *tally) ([]event.Event, error) {
	v := before.v
	made, same := in.dry.has(l)
	switch {
	case !ok && made && same:
		t.present++
		return nil, nil
	case !ok && made:
		t.changed++
		return nil, nil
	case !ok:
		t.imported++
		return newLine(v, l)
	}
	byID := !l.line.ID.IsZero()
	old, err := whole(d)
	if err != nil {
		return nil, err
	}
	if byID && !l.dated { // the time of this import says nothing about the fact
		l.m.CreatedAt = old.CreatedAt
	}
	switch {
	case d.Deleted:
		t.present++
		if !l.line.Deleted {
			t.left++
		}
		return nil, nil
	case byID && (l.line.Deleted || !sameMemory(old, l.m)):
		return in.decideVersion(v, l, d, t)
	}
	t.present++
	if byID {
		evs := newOccurrences(d, l)
		t.repeated += len(evs)
		return evs, nil
	}
	l.m.ID = memory.ID(d.ID)
	lacking, err := v.LackingTags(d.ID, l.m.Tags)
	if err != nil {
		return nil, err
	}
	if len(lacking) == 0 {
		if said, err := before.known(d.ID, old, l); said || err != nil {
			return nil, err
		}
	}
	t.repeated++
	return []event.Event{repeated(l.m.ID, l.m, lacking)}, nil
}

// decideVersion returns the events of a line that says of a memory something else than it is now.
func (in *importing) decideVersion(v *index.View, l *importLine, d index.Doc, t *tally) (
	[]event.Event, error) {
	if older, err := saidOnce(v, d, l); older || err != nil {
		t.present++
		t.older++
		return nil, err
	}
	if before, err := l.writtenBefore(d); before || err != nil {
		t.present++
		t.stale++
		return nil, err
	}
	t.changed++
	if l.line.Deleted {
		return []event.Event{event.Deleted{ID: l.m.ID, SupersededBy: l.m.SupersededBy}}, nil
	}
	m := l.m
	m.Version = d.LastVersion + 1
	if now, err := whole(d); err != nil || !m.UpdatedAt.After(now.UpdatedAt) {
		m.UpdatedAt = in.now // it does not say when
	}
	return append([]event.Event{event.Updated{Memory: m}}, newOccurrences(d, l)...), nil
}

// writtenBefore reports whether a line says itself that it is from before what the memory says now,
// as those of an older copy of a source do. A tombstone does not: it tells when what was deleted
// was last written.
func (l *importLine) writtenBefore(d index.Doc) (bool, error) {
	if l.line.Deleted || l.line.UpdatedAt.IsZero() {
		return false, nil
	}
	now, err := whole(d)
	return l.m.UpdatedAt.Before(now.UpdatedAt), err
}

// saidOnce reports whether a line that differs from the present is one of the memory's past: an
// older version, or a tombstone that was restored since. The present came after it and stays.
func saidOnce(v *index.View, d index.Doc, l *importLine) (bool, error) {
	images, err := v.Images(index.ID(l.m.ID))
	if err != nil {
		return false, err
	}
	now, err := payload(l.m.ID, d.Image)
	if err != nil {
		return false, err
	}
	for _, i := range images {
		old, err := payload(l.m.ID, i)
		if err != nil {
			return false, err
		}
		if l.line.Deleted && !i.Deleted && l.says(now) {
			continue // what says this still is what the line has deleted
		}
		if l.says(old) {
			return true, nil
		}
	}
	return false, nil
}

// says reports whether the line is this version of its memory.
func (l *importLine) says(old event.Memory) bool {
	m := l.m
	if !l.dated {
		m.CreatedAt = old.CreatedAt
	}
	if l.line.Deleted { // the tombstone names what stands in for it, and not the version
		m.SupersededBy = old.SupersededBy
	}
	if sameMemory(old, m) {
		return true
	}
	for _, o := range l.line.Occurrences { // their tags came with them, not with the version
		old.Tags = union(old.Tags, o.Tags)
	}
	return sameMemory(old, m)
}

// known finds what a line is about: by its id, by an alias, or by its very content; by that without
// its tags and occurrences, of which there are many where many lines say the same.
func known(v *index.View, l *importLine) (index.Doc, bool, error) {
	if !l.m.ID.IsZero() {
		return v.Doc(index.ID(l.m.ID))
	}
	for _, a := range l.m.Aliases {
		ids, err := v.ByAlias(a)
		if err != nil || len(ids) == 1 {
			if err == nil {
				l.m.ID, l.line.ID = memory.ID(ids[0]), memory.ID(ids[0])
				return v.Doc(ids[0])
			}
			return index.Doc{}, false, err
		}
	}
	ids, err := v.ByExact(l.key)
	if err != nil || len(ids) == 0 {
		return index.Doc{}, false, err
	}
	return v.Bare(ids[0])
}

// newLine returns the events of a line whose memory is not here.
func newLine(v *index.View, l *importLine) ([]event.Event, error) {
	m := &l.m
	if m.ID.IsZero() {
		m.ID = event.NewID()
	}
	last, err := v.LastVersion(index.ID(m.ID))
	if err != nil {
		return nil, err
	}
	m.Version = max(m.Version, 1)
	if last >= m.Version {
		m.Version = last + 1
		if l.line.Version == last { // taken back here, and brought again as it was
			m.Version = last
		}
	}
	stored := *m
	if l.line.Deleted {
		stored.SupersededBy = memory.ID{}
	}
	out := []event.Event{event.Stored{Memory: stored}}
	for _, o := range l.line.Occurrences {
		out = append(out, event.Repeated{ID: m.ID, Occurrence: o})
	}
	if l.line.Deleted {
		out = append(out, event.Deleted{ID: m.ID, SupersededBy: m.SupersededBy})
	}
	return out, nil
}

// newOccurrences returns the repetitions of a line that a document lacks.
func newOccurrences(d index.Doc, l *importLine) []event.Event {
	here := make(map[index.ID]bool, len(d.Occurrences))
	for _, o := range d.Occurrences {
		here[o.ID] = true
	}
	var out []event.Event
	for _, o := range l.line.Occurrences {
		if !here[index.ID(o.ID)] {
			out = append(out, event.Repeated{ID: l.m.ID, Occurrence: o, Tags: without(o.Tags, l.m.Tags)})
		}
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
