package index

import (
	"encoding/binary"
	"hash/maphash"

	"memlog/index/vector"
)

// known is what the writer remembers of which keys exist, so that filling a new generation, where
// nearly every lookup is of something that is not there, reads nothing. Owned by the open batch.
type known struct {
	complete bool // holds all of these that the index has: a miss is an answer
	ids      map[ID]Ordinal
	requests map[uint64]struct{} // hashes: a hit says only that one must look
	streams  map[uint64]struct{} // likewise
	exacts   map[uint64]struct{} // first bytes of exact-content keys, as requests
	briefs   []brief             // by ordinal; only where complete
	seed     maphash.Seed
}

// brief is what a vector's arrival asks of a document.
type brief struct {
	version uint64 // of the image that is open and no tombstone; 0: there is none such
	spaces  uint64 // by number: whether any version of it has a vector there
	row     Row
}

// maxKnown bounds how many of each are remembered, at some 120 bytes for the five.
const maxKnown = 1 << 20

func newKnown(empty bool) *known {
	return &known{
		complete: empty, ids: map[ID]Ordinal{}, requests: map[uint64]struct{}{},
		streams: map[uint64]struct{}{}, exacts: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

// add takes over what a batch committed.
func (n *known) add(ids map[ID]Ordinal, briefs map[Ordinal]brief) {
	if max(len(n.ids)+len(ids), len(n.requests), len(n.streams), len(n.exacts)) > maxKnown {
		*n = *newKnown(false)
	}
	if !n.complete && len(n.ids) > maxKnown/16 {
		clear(n.ids)
	}
	for id, ord := range ids {
		n.ids[id] = ord
	}
	if !n.complete {
		return
	}
	for ord, d := range briefs {
		if more := int(ord) + 1 - len(n.briefs); more > 0 {
			n.briefs = append(n.briefs, make([]brief, more)...)
		}
		n.briefs[ord] = d
	}
}

// brief returns what is remembered of a document; ok is false where one must look.
func (b *Batch) brief(ord Ordinal) (d brief, ok bool) {
	if d, ok = b.briefs[ord]; ok || !b.d.known.complete {
		return d, ok
	}
	if int(ord) < len(b.d.known.briefs) {
		d = b.d.known.briefs[ord]
	}
	return d, true
}

// setHead writes a document's head.
func (b *Batch) setHead(ord Ordinal, h head) error {
	if d, ok := b.brief(ord); ok {
		d.version, d.row = 0, h.row
		if h.open && !h.deleted {
			d.version = h.version
		}
		b.briefs[ord] = d
	}
	return b.set(newKey(keyHead).ord(ord), h.encode())
}

// openRow returns the row of the image of a version, where that is open and no tombstone, else
// vector.NoRow.
func (b *Batch) openRow(ord Ordinal, version uint64) (Row, error) {
	if d, ok := b.brief(ord); ok && version != 0 {
		if d.version == version {
			return d.row, nil
		}
		return vector.NoRow, nil
	}
	h, ok, err := b.src.head(ord)
	if ok && h.open && !h.deleted && h.version == version {
		return h.row, err
	}
	return vector.NoRow, err
}

// noVector reports whether no version of a document has a vector in a space, for sure.
func (b *Batch) noVector(space uint32, ord Ordinal) bool {
	d, ok := b.brief(ord)
	return ok && d.spaces>>space&1 == 0
}

func (b *Batch) noteVector(space uint32, ord Ordinal) {
	if d, ok := b.brief(ord); ok {
		d.spaces |= 1 << space
		b.briefs[ord] = d
	}
}

// newRequest reports whether the request is surely not in the index, and remembers it.
func (n *known) newRequest(request string) bool { return n.newName(n.requests, request) }

// newStream reports whether the stream is surely not in the index, and remembers it.
func (n *known) newStream(stream string) bool { return n.newName(n.streams, stream) }

func (n *known) newName(names map[uint64]struct{}, name string) bool {
	if !n.complete {
		return false
	}
	h := maphash.String(n.seed, name)
	_, seen := names[h]
	names[h] = struct{}{}
	return !seen
}

// noRequest reports whether the request is surely not in the index.
func (n *known) noRequest(request string) bool {
	_, seen := n.requests[maphash.String(n.seed, request)]
	return n.complete && !seen
}

// noExact reports whether the content is surely not in the index.
func (n *known) noExact(exact [32]byte) bool {
	_, seen := n.exacts[binary.LittleEndian.Uint64(exact[:])]
	return n.complete && !seen
}

func (n *known) addExact(exact [32]byte) {
	if n.complete {
		n.exacts[binary.LittleEndian.Uint64(exact[:])] = struct{}{}
	}
}

// lookup returns a document's number from memory. sure is false where one must look.
func (b *Batch) lookup(id ID) (ord Ordinal, ok, sure bool) {
	if ord, ok = b.ids[id]; ok {
		return ord, true, true
	}
	ord, ok = b.d.known.ids[id]
	return ord, ok, ok || b.d.known.complete
}
