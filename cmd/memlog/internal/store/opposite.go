package store

import (
	"fmt"
	"slices"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// opposites decides the events that take a touch back.
type opposites struct {
	touch *touch
	past  *past
	now   *index.View
	log   *wal.Log
	force bool
	plain bool // brings back what was, without a look at what came between: for revert
	left  []memory.LeftAlone

	comes map[memory.ID]bool // memories that come back
	back  []event.Event      // what brings them back; it goes first, so that facts find them
	facts []event.Event      // occurrences and links
	rest  []event.Event      // memories that change or go
}

// decide turns some of the touch's keys into events. Memories stand before occurrences and links.
func (o *opposites) decide(keys []any) ([]event.Event, error) {
	o.comes = map[memory.ID]bool{}
	for _, k := range keys {
		var err error
		switch k := k.(type) {
		case memory.ID:
			err = o.image(k)
		case occurrence:
			err = o.repetition(k)
		case event.Link:
			err = o.link(k)
		}
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(o.back, o.facts, o.rest), nil
}

// image brings a memory's image back to what it was before the touch.
func (o *opposites) image(id memory.ID) error {
	first := o.touch.images[id]
	then, err := o.past.at(first - 1)
	if err != nil {
		return err
	}
	before, was, err := then.Doc(index.ID(id))
	if err != nil {
		return err
	}
	now, is, err := o.now.Doc(index.ID(id))
	if err != nil {
		return err
	}
	target, err := o.target(id, before, was, now, is)
	if err != nil {
		return err
	}
	evs, err := imageOpposite(target, was, before.Deleted, now, is)
	if err != nil || len(evs) == 0 {
		return err
	}
	if !o.force && !o.plain {
		why, err := o.changedSince(id, first, was)
		if err != nil {
			return err
		}
		if why != "" {
			o.left = append(o.left, memory.LeftAlone{ID: id, Reason: why})
			return nil
		}
	}
	if _, comes := evs[0].(event.Restored); !comes {
		o.rest = append(o.rest, evs...)
		return nil
	}
	o.comes[id] = len(evs) == 1
	o.back = append(o.back, evs...)
	if is {
		return nil
	}
	for _, c := range before.Occurrences { // taking a memory back took these too
		occ, err := event.DecodeOccurrence(c.Payload)
		if err != nil {
			return err
		}
		o.back = append(o.back, event.Repeated{ID: id, Occurrence: occ})
	}
	return nil
}

// target is the memory as it was before, with the tags that others gave and took since.
func (o *opposites) target(id memory.ID, before index.Doc, was bool, now index.Doc, is bool) (
	event.Memory, error) {
	if !was {
		return event.Memory{ID: id}, nil
	}
	m, err := whole(before)
	if err != nil {
		return m, err
	}
	if before.Deleted || o.plain || !is || now.Deleted {
		return m, nil
	}
	v, err := o.past.at(o.touch.last)
	if err != nil {
		return m, err
	}
	after, ok, err := v.Doc(index.ID(id))
	if err != nil || !ok || after.Deleted {
		return m, err
	}
	m.Tags = append(m.Tags, without(now.Tags, after.Tags)...)
	slices.Sort(m.Tags)
	m.Tags = without(slices.Compact(m.Tags), without(after.Tags, now.Tags))
	return m, nil
}

// imageOpposite returns the events that turn now into m, which was live, a tombstone, or not there.
func imageOpposite(
	m event.Memory,
	was, wasDeleted bool,
	now index.Doc,
	is bool,
) ([]event.Event, error) {
	switch {
	case !was && !is:
		return nil, nil
	case !was:
		return []event.Event{event.Retracted{ID: m.ID}}, nil
	}
	same := false
	if is {
		have, err := whole(now)
		if err != nil {
			return nil, err
		}
		m := m
		if wasDeleted != now.Deleted { // only a tombstone knows what superseded the memory
			m.SupersededBy = have.SupersededBy
		}
		if wasDeleted { // a tombstone has no tags of its own
			m.Tags = have.Tags
		}
		same = have.Version == m.Version && sameMemory(have, m)
	}
	gone := event.Deleted{ID: m.ID, SupersededBy: m.SupersededBy}
	switch {
	case wasDeleted && same && now.Deleted, !wasDeleted && same && !now.Deleted:
		return nil, nil
	case wasDeleted && same:
		return []event.Event{gone}, nil
	case wasDeleted && is && !now.Deleted:
		return []event.Event{event.Reverted{Memory: m}, gone}, nil
	case wasDeleted:
		return []event.Event{event.Restored{Memory: m}, gone}, nil
	case !is || now.Deleted:
		return []event.Event{event.Restored{Memory: m}}, nil
	}
	return []event.Event{event.Reverted{Memory: m}}, nil
}

// changedSince says what happened to a memory after first outside of the set, or nothing. Where the
// memory would be taken back whole (it was not there before), what others said and linked since
// counts as well.
func (o *opposites) changedSince(id memory.ID, first uint64, was bool) (string, error) {
	images, err := o.now.Images(index.ID(id))
	if err != nil {
		return "", err
	}
	var last uint64
	for _, i := range images {
		for _, seq := range []uint64{i.From, i.To} {
			if seq <= max(first, last) {
				continue
			}
			counts, err := o.counts(seq)
			if err != nil {
				return "", err
			}
			if counts {
				last = seq
			}
		}
	}
	if last != 0 || was {
		return since(last, "changed it since"), nil
	}
	return o.saidSince(id)
}

// saidSince says who said a memory again, or linked it, outside of the set, or nothing.
func (o *opposites) saidSince(id memory.ID) (string, error) {
	occs, err := o.now.Occurrences(index.ID(id))
	if err != nil {
		return "", err
	}
	for _, c := range occs {
		if counts, err := o.counts(c.From); counts || err != nil {
			return since(c.From, "said it again since"), err
		}
	}
	links, err := o.now.Links(index.ID(id))
	if err != nil {
		return "", err
	}
	for _, l := range links {
		if counts, err := o.counts(l.Since); counts || err != nil {
			return since(l.Since, "linked it since"), err
		}
	}
	return "", nil
}

// counts reports whether the record seq is a change of somebody else: not one of the set, nor one
// that was undone, nor an undo, which does nothing but that.
func (o *opposites) counts(seq uint64) (bool, error) {
	if o.touch.set[seq] {
		return false, nil
	}
	if undone, err := o.now.Undone(seq); undone || err != nil {
		return false, err
	}
	rec, err := o.log.Read(wal.Seq(seq))
	if err != nil {
		return true, nil // it cannot be read; that it changed something is known
	}
	for _, ev := range decodeAll(rec) {
		if _, undo := ev.(event.Undone); undo {
			return false, nil
		}
	}
	return true, nil
}

func since(seq uint64, what string) string {
	if seq == 0 {
		return ""
	}
	return fmt.Sprintf("record %d %s", seq, what)
}

// repetition brings an occurrence back, or takes it away. Of a memory that is not there it does
// nothing, since bringing the memory back brings its occurrences; nor of one that stays deleted.
func (o *opposites) repetition(k occurrence) error {
	doc, there, err := o.now.Doc(index.ID(k.memory))
	if err != nil || !there || (doc.Deleted && !o.comes[k.memory]) {
		return err
	}
	first := o.touch.occs[k]
	then, err := o.past.at(first - 1)
	if err != nil {
		return err
	}
	before, err := then.Occurrences(index.ID(k.memory))
	if err != nil {
		return err
	}
	all, err := o.now.Occurrences(index.ID(k.memory))
	if err != nil {
		return err
	}
	same := func(c index.Occurrence) bool { return c.ID == index.ID(k.id) }
	was, is := slices.IndexFunc(before, same), slices.IndexFunc(all, same)
	var payload []byte
	switch {
	case (was >= 0) == (is >= 0):
		return nil
	case was >= 0:
		payload = before[was].Payload
	default:
		payload = all[is].Payload
	}
	occ, err := event.DecodeOccurrence(payload)
	if err != nil {
		return err
	}
	tags, err := o.repetitionTags(k, first, occ, doc, all)
	if err != nil {
		return err
	}
	if was >= 0 {
		o.facts = append(o.facts, event.Repeated{ID: k.memory, Occurrence: occ, Tags: tags})
	} else {
		o.facts = append(o.facts, event.Unrepeated{ID: k.memory, Occurrence: k.id, Tags: tags})
	}
	return nil
}

// repetitionTags returns the tags that came or went with an occurrence at record first: none where
// a version came since, which carries its own (unless that was undone, or was an undo, which is
// what was before), and none that another occurrence gives too.
func (o *opposites) repetitionTags(k occurrence, first uint64, occ event.Occurrence, now index.Doc,
	all []index.Occurrence) ([]string, error) {
	if now.Deleted {
		return nil, nil
	}
	if now.From > first && !o.plain {
		why, err := o.changedSince(k.memory, first, true)
		if why != "" || err != nil {
			return nil, err
		}
	}
	then, err := o.past.at(first - 1)
	if err != nil {
		return nil, err
	}
	before, was, err := then.Doc(index.ID(k.memory))
	if err != nil || !was {
		return nil, err
	}
	came, went := without(occ.Tags, before.Tags), without(occ.Tags, now.Tags)
	isNow := slices.ContainsFunc(now.Occurrences, func(c index.Occurrence) bool {
		return c.ID == index.ID(k.id)
	})
	if !isNow { // it comes back, and with it what it had and what is missing now
		return without(went, came), nil
	}
	tags := without(came, went)
	for _, c := range all {
		if _, goes := o.touch.occs[occurrence{k.memory, memory.ID(c.ID)}]; goes {
			continue
		}
		other, err := event.DecodeOccurrence(c.Payload)
		if err != nil {
			return nil, err
		}
		if !o.plain {
			tags = without(tags, other.Tags)
		}
	}
	return tags, nil
}

// link brings a link back, or takes it away.
func (o *opposites) link(l event.Link) error {
	then, err := o.past.at(o.touch.links[l] - 1)
	if err != nil {
		return err
	}
	was, err := hasLink(then, l)
	if err != nil {
		return err
	}
	is, err := hasLink(o.now, l)
	if err != nil || was == is {
		return err
	}
	if was {
		o.facts = append(o.facts, event.Linked{Link: l})
		return nil
	}
	why, err := o.linkedSince(l)
	switch {
	case err != nil:
	case why != "":
		o.left = append(o.left, memory.LeftAlone{ID: l.From, Reason: why})
	default:
		o.facts = append(o.facts, event.Unlinked{Link: l})
	}
	return err
}

// linkedSince says who made a link that is there now, where that was somebody else.
func (o *opposites) linkedSince(l event.Link) (string, error) {
	if o.force || o.plain {
		return "", nil
	}
	links, err := o.now.Links(index.ID(l.From))
	if err != nil {
		return "", err
	}
	for _, have := range links {
		if memory.ID(have.From) != l.From || memory.ID(have.To) != l.To || have.Type != l.Type {
			continue
		}
		if counts, err := o.counts(have.Since); counts || err != nil {
			return since(have.Since, "linked it since"), err
		}
	}
	return "", nil
}
