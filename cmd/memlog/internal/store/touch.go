package store

import (
	"slices"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// touchedIDs returns the memories an event is about.
func touchedIDs(ev event.Event) []memory.ID {
	switch ev := ev.(type) {
	case event.Stored:
		return []memory.ID{ev.Memory.ID}
	case event.Updated:
		return []memory.ID{ev.Memory.ID}
	case event.Reverted:
		return []memory.ID{ev.Memory.ID}
	case event.Restored:
		return []memory.ID{ev.Memory.ID}
	case event.Deleted:
		return []memory.ID{ev.ID}
	case event.Retracted:
		return []memory.ID{ev.ID}
	case event.Repeated:
		return []memory.ID{ev.ID}
	case event.Unrepeated:
		return []memory.ID{ev.ID}
	case event.Linked:
		return []memory.ID{ev.Link.From, ev.Link.To}
	case event.Unlinked:
		return []memory.ID{ev.Link.From, ev.Link.To}
	}
	return nil
}

// movesImage reports whether an event opens or ends a version of a memory.
func movesImage(ev event.Event) bool {
	switch ev.(type) {
	case event.Stored, event.Updated, event.Reverted, event.Restored, event.Deleted, event.Retracted:
		return true
	}
	return false
}

// occurrence names one repetition of a memory.
type occurrence struct{ memory, id memory.ID }

// touch is all that a set of records touched: for each memory's image, each occurrence and each
// link, the first record of the set that did. What stood before that record is what an opposite
// brings back.
type touch struct {
	set    map[uint64]bool
	last   uint64
	images map[memory.ID]uint64
	occs   map[occurrence]uint64
	links  map[event.Link]uint64
	order  []any // the keys of the three maps, by first touch, so that what results is determined
}

func newTouch() *touch {
	return &touch{set: map[uint64]bool{}, images: map[memory.ID]uint64{},
		occs: map[occurrence]uint64{}, links: map[event.Link]uint64{}}
}

// add takes a record into the set. Records come in sequence order.
func (t *touch) add(rec wal.Record) {
	seq := uint64(rec.Seq)
	t.set[seq] = true
	t.last = max(t.last, seq)
	for _, ev := range decodeAll(rec) {
		switch ev := ev.(type) {
		case event.Repeated:
			t.occurrence(occurrence{ev.ID, ev.Occurrence.ID}, seq)
		case event.Unrepeated:
			t.occurrence(occurrence{ev.ID, ev.Occurrence}, seq)
		case event.Linked:
			t.link(ev.Link, seq)
		case event.Unlinked:
			t.link(ev.Link, seq)
		default:
			for _, id := range touchedIDs(ev) {
				if _, ok := t.images[id]; !ok {
					t.images[id] = seq
					t.order = append(t.order, id)
				}
			}
		}
	}
}

func (t *touch) occurrence(o occurrence, seq uint64) {
	if _, ok := t.occs[o]; !ok {
		t.occs[o] = seq
		t.order = append(t.order, o)
	}
}

func (t *touch) link(l event.Link, seq uint64) {
	if _, ok := t.links[l]; !ok {
		t.links[l] = seq
		t.order = append(t.order, l)
	}
}

// keys returns all that was touched, memories first, else in the order of the first touch.
func (t *touch) keys() []any {
	keys := slices.Clone(t.order)
	slices.SortStableFunc(keys, func(a, b any) int {
		_, am := a.(memory.ID)
		_, bm := b.(memory.ID)
		switch {
		case am == bm:
			return 0
		case am:
			return -1
		}
		return 1
	})
	return keys
}

// past opens views of the index as of single sequence numbers, and keeps them for reuse.
type past struct {
	db    *index.DB
	views map[uint64]*index.View
}

// maxPast bounds how many views are held open at a time.
const maxPast = 64

func (p *past) at(seq uint64) (*index.View, error) {
	if v := p.views[seq]; v != nil {
		return v, nil
	}
	if len(p.views) >= maxPast {
		p.close()
	}
	v, err := p.db.At(seq)
	if err == nil {
		p.views[seq] = v
	}
	return v, err
}

func (p *past) close() {
	for seq, v := range p.views {
		v.Close()
		delete(p.views, seq)
	}
}
