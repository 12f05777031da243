package projection

import (
	"fmt"

	"memlog/index"
	"memlog/wal/event"
)

// present is what a memory is before an event.
type present struct {
	index.Image
	memory event.Memory
	open   bool // there is an image, a tombstone perhaps
	seen   bool // it was ever there
}

func (f *fold) present(id event.ID) (present, error) {
	i, ok, err := f.v.Image(index.ID(id))
	if err != nil {
		return present{}, err
	}
	if !ok {
		seen, err := f.v.Seen(index.ID(id))
		return present{seen: seen}, err
	}
	m, err := event.DecodeMemory(i.Payload)
	if err != nil {
		return present{}, fmt.Errorf("memory %s in the index: %w", id, err)
	}
	return present{Image: i, memory: m, open: true, seen: true}, nil
}

// version makes m what its memory is from now on.
func (f *fold) version(m event.Memory, stored bool) error {
	was, err := f.present(m.ID)
	if err != nil {
		return err
	}
	switch {
	case stored && was.open && !was.Deleted:
		err = f.anomaly(AnomalyExists, "stored: memory %s", m.ID)
	case !stored && !was.seen:
		err = f.anomaly(AnomalyIncomplete, "new version of unknown memory %s", m.ID)
	}
	if err != nil {
		return err
	}
	incomplete := !stored && (!was.seen || was.Incomplete)
	return f.replace(was, f.of, incomplete)
}

// replace opens the next image of a memory, with the facts and digest elements that go with it.
func (f *fold) replace(was present, next *version, incomplete bool) error {
	if next.err != nil {
		return next.err
	}
	if was.open {
		f.b.SubDigest(memoryElement(was.memory, was.Deleted))
	}
	m, deleted := next.memory, next.deleted
	image := index.NewImage{
		ID: index.ID(m.ID), Seq: f.seq, Version: m.Version, Created: m.CreatedAt.UnixMicro(),
		Type: m.Type, Project: m.Project, Deleted: deleted, Incomplete: incomplete,
		SupersededBy: index.ID(m.SupersededBy), Payload: next.payload,
		SameText: was.open && was.memory.Content == m.Content,
	}
	image.Stream = stream(f.rec.Provenance.Session, m)
	if !deleted {
		image.Text, image.Exact, image.Reading = m.Content, &next.exact, next.reading
	}
	if err := f.b.PutImage(image); err != nil {
		return err
	}
	f.b.AddDigest(next.element)
	tags, aliases := m.Tags, m.Aliases
	if deleted {
		tags, aliases = nil, nil
	}
	if err := f.setNames(m.ID, tags, aliases); err != nil {
		return err
	}
	if was.open && was.Deleted != deleted {
		return f.showOccurrences(m.ID, !deleted)
	}
	return nil
}

// setNames makes these the memory's tags and aliases.
func (f *fold) setNames(id event.ID, tags, aliases []string) error {
	opened, closed, err := f.b.SetTags(index.ID(id), f.seq, tags)
	if err != nil {
		return err
	}
	f.countNames(tagElement, id, opened, closed)
	opened, closed, err = f.b.SetAliases(index.ID(id), f.seq, aliases)
	if err != nil {
		return err
	}
	f.countNames(aliasElement, id, opened, closed)
	return nil
}

func (f *fold) countNames(element func(event.ID, string) [32]byte, id event.ID, opened,
	closed []string) {
	for _, n := range closed {
		f.b.SubDigest(element(id, n))
	}
	for _, n := range opened {
		f.b.AddDigest(element(id, n))
	}
}

// showOccurrences counts the occurrences of a memory that was restored, or discounts those of one
// that was deleted: they stay, and are hidden meanwhile.
func (f *fold) showOccurrences(id event.ID, show bool) error {
	occs, err := f.v.Occurrences(index.ID(id))
	if err != nil {
		return err
	}
	for _, o := range occs {
		e, err := storedOccurrenceElement(id, o)
		if err != nil {
			return err
		}
		if show {
			f.b.AddDigest(e)
		} else {
			f.b.SubDigest(e)
		}
	}
	return nil
}

// make makes an empty memory for an event about one that no record here made.
func (f *fold) make(id event.ID, what string) error {
	if err := f.anomaly(AnomalyIncomplete, "%s: unknown memory %s", what, id); err != nil {
		return err
	}
	t := f.rec.Time.UTC()
	m := event.Memory{ID: id, CreatedAt: t, UpdatedAt: t}
	return f.replace(present{}, newVersion(m, false), true)
}

// find returns the present memory; one that was never seen is made. ok is false, and counted,
// where it was there and is not any more.
func (f *fold) find(id event.ID, what string) (was present, ok bool, err error) {
	was, err = f.present(id)
	if err == nil && !was.seen {
		if err = f.make(id, what); err == nil {
			was, err = f.present(id)
		}
	}
	if err == nil && !was.open {
		err = f.anomaly(AnomalyAbsent, "%s: memory %s is not there", what, id)
	}
	return was, was.open, err
}

func (f *fold) deleted(e event.Deleted) error {
	was, ok, err := f.find(e.ID, "deleted")
	if err != nil || !ok {
		return err
	}
	if was.Deleted {
		return f.anomaly(AnomalyAbsent, "deleted: memory %s is deleted", e.ID)
	}
	m := was.memory
	if !e.SupersededBy.IsZero() {
		m.SupersededBy = e.SupersededBy
	}
	return f.replace(was, newVersion(m, true), was.Incomplete)
}

// retracted leaves nothing of the memory in the present: no tombstone, tags or occurrences. Links
// are facts of their own and go by their own events.
func (f *fold) retracted(e event.Retracted) error {
	id := index.ID(e.ID)
	was, err := f.present(e.ID)
	if err != nil {
		return err
	}
	if !was.open {
		return f.anomaly(AnomalyAbsent, "retracted: memory %s is not there", e.ID)
	}
	if _, err := f.b.CloseImage(id, f.seq); err != nil {
		return err
	}
	f.b.SubDigest(memoryElement(was.memory, was.Deleted))
	if err := f.setNames(e.ID, nil, nil); err != nil {
		return err
	}
	if !was.Deleted {
		if err := f.showOccurrences(e.ID, false); err != nil {
			return err
		}
	}
	occs, err := f.v.Occurrences(id)
	if err != nil {
		return err
	}
	for _, o := range occs {
		if _, _, err := f.b.CloseOccurrence(id, o.ID, f.seq); err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) repeated(e event.Repeated) error {
	id := index.ID(e.ID)
	was, ok, err := f.find(e.ID, "repeated")
	if err != nil || !ok {
		return err
	}
	payload, err := event.EncodeOccurrence(e.Occurrence)
	if err != nil {
		return err
	}
	o := index.Occurrence{
		ID: index.ID(e.Occurrence.ID), From: f.seq,
		Created: e.Occurrence.CreatedAt.UnixMicro(), Payload: payload,
	}
	added, err := f.b.PutOccurrence(id, o)
	if err != nil {
		return err
	}
	switch {
	case !added:
		err = f.anomaly(AnomalyExists, "repeated: occurrence %s of %s", e.Occurrence.ID, e.ID)
	case was.Deleted:
		err = f.anomaly(AnomalyAbsent, "repeated: memory %s is deleted", e.ID)
	default:
		f.b.AddDigest(occurrenceElement(e.ID, e.Occurrence))
	}
	if err != nil || was.Deleted {
		return err
	}
	for _, tag := range e.Tags {
		opened, err := f.b.OpenTag(id, f.seq, tag)
		if err != nil {
			return err
		}
		if opened {
			f.b.AddDigest(tagElement(e.ID, tag))
		}
	}
	return nil
}

func (f *fold) unrepeated(e event.Unrepeated) error {
	id := index.ID(e.ID)
	was, err := f.present(e.ID)
	if err != nil {
		return err
	}
	o, ok, err := f.b.CloseOccurrence(id, index.ID(e.Occurrence), f.seq)
	if err != nil {
		return err
	}
	if !ok {
		err = f.anomaly(AnomalyAbsent, "unrepeated: occurrence %s of %s", e.Occurrence, e.ID)
	} else if was.open && !was.Deleted {
		var element [32]byte
		if element, err = storedOccurrenceElement(e.ID, o); err == nil {
			f.b.SubDigest(element)
		}
	}
	if err != nil {
		return err
	}
	for _, tag := range e.Tags {
		closed, err := f.b.CloseTag(id, f.seq, tag)
		if err != nil {
			return err
		}
		if closed {
			f.b.SubDigest(tagElement(e.ID, tag))
		}
	}
	return nil
}

func (f *fold) linked(l event.Link) error {
	for _, id := range []event.ID{l.From, l.To} {
		was, err := f.present(id)
		if err == nil && !was.seen {
			err = f.make(id, "linked")
		}
		if err != nil {
			return err
		}
	}
	added, err := f.b.Link(index.ID(l.From), index.ID(l.To), l.Type, f.seq)
	if err != nil {
		return err
	}
	if !added {
		return f.anomaly(AnomalyExists, "linked: %s to %s as %.40q", l.From, l.To, l.Type)
	}
	f.b.AddDigest(linkElement(l))
	return nil
}

func (f *fold) unlinked(l event.Link) error {
	removed, err := f.b.Unlink(index.ID(l.From), index.ID(l.To), l.Type, f.seq)
	if err != nil {
		return err
	}
	if !removed {
		return f.anomaly(AnomalyAbsent, "unlinked: %s to %s as %.40q", l.From, l.To, l.Type)
	}
	f.b.SubDigest(linkElement(l))
	return nil
}
