package projection

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"memlog/index"
	"memlog/wal/event"
)

// StateDigestVersion is the version of the state digest's definition, STATE.md. It is written
// beside every digest in the log and never reused.
const StateDigestVersion = 1

// element hashes one fact of the state: its kind and its fields, each with its length before it.
type element []byte

func newElement(kind byte, ids ...event.ID) element {
	e := append(make(element, 0, 96), kind)
	for _, id := range ids {
		e = e.bytes(id[:])
	}
	return e
}

func (e element) bytes(b []byte) element {
	return append(binary.BigEndian.AppendUint64(e, uint64(len(b))), b...)
}

func (e element) text(s string) element {
	return append(binary.BigEndian.AppendUint64(e, uint64(len(s))), s...)
}

func (e element) number(n uint64) element {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(e, 8), n)
}

func (e element) sum() [32]byte { return sha256.Sum256(e) }

// memoryElementRest is more than the fields of a memory's element take that are no text.
const memoryElementRest = 256

func memoryElement(m event.Memory, deleted bool) [32]byte {
	text := len(m.Content) + len(m.Type) + len(m.Project) + len(m.Metadata)
	e := slices.Grow(newElement('m', m.ID), text+memoryElementRest).number(m.Version)
	if deleted {
		e = e.number(1)
	} else {
		e = e.number(0)
	}
	e = e.text(m.Content).text(m.Type).text(m.Project).bytes(m.Metadata)
	e = e.number(uint64(m.CreatedAt.UnixMicro()))
	return e.bytes(m.SupersededBy[:]).sum()
}

func tagElement(id event.ID, tag string) [32]byte {
	return newElement('t', id).text(tag).sum()
}

func aliasElement(id event.ID, alias string) [32]byte {
	return newElement('a', id).text(alias).sum()
}

func occurrenceElement(id event.ID, o event.Occurrence) [32]byte {
	e := newElement('o', id, o.ID).number(uint64(o.CreatedAt.UnixMicro()))
	return e.bytes(o.Metadata).sum()
}

// storedOccurrenceElement is the element of an occurrence as the index keeps it.
func storedOccurrenceElement(id event.ID, o index.Occurrence) ([32]byte, error) {
	occ, err := event.DecodeOccurrence(o.Payload)
	if err != nil {
		return [32]byte{}, fmt.Errorf("occurrence %s in the index: %w", o.ID, err)
	}
	return occurrenceElement(id, occ), nil
}

func linkElement(l event.Link) [32]byte {
	return newElement('l', l.From, l.To).text(l.Type).sum()
}

// StateDigest computes the state digest of a view by reading all of it. View.StateDigest is the
// running one, kept with every record; the two are equal, or the index is wrong.
func StateDigest(v *index.View) ([32]byte, error) {
	var sum [32]byte
	for d, err := range v.Docs() {
		if err == nil {
			sum, err = addDoc(sum, d)
		}
		if err != nil {
			return sum, fmt.Errorf("digest state: %w", err)
		}
	}
	links, err := v.AllLinks()
	if err != nil {
		return sum, fmt.Errorf("digest state: %w", err)
	}
	for _, l := range links {
		e := linkElement(event.Link{From: event.ID(l.From), To: event.ID(l.To), Type: l.Type})
		sum = index.AddDigest(sum, e)
	}
	return sum, nil
}

func addDoc(sum [32]byte, d index.Doc) ([32]byte, error) {
	id := event.ID(d.ID)
	m, err := event.DecodeMemory(d.Payload)
	if err != nil {
		return sum, fmt.Errorf("memory %s: %w", id, err)
	}
	sum = index.AddDigest(sum, memoryElement(m, d.Deleted))
	if d.Deleted {
		return sum, nil
	}
	for _, t := range d.Tags {
		sum = index.AddDigest(sum, tagElement(id, t))
	}
	for _, a := range d.Aliases {
		sum = index.AddDigest(sum, aliasElement(id, a))
	}
	for _, o := range d.Occurrences {
		e, err := storedOccurrenceElement(id, o)
		if err != nil {
			return sum, err
		}
		sum = index.AddDigest(sum, e)
	}
	return sum, nil
}

// Text takes the content out of a payload: index.Options.Text.
func Text(payload []byte) string {
	content, err := event.DecodeContent(payload)
	if err != nil {
		return "" // written by this package and under a checksum; a search skips it
	}
	return content
}
