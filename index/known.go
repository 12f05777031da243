package index

import (
	"encoding/binary"
	"hash/maphash"
)

// known is what the writer remembers of which keys exist, so that filling a new generation, where
// nearly every lookup is of something that is not there, reads nothing. Owned by the open batch.
type known struct {
	complete bool // holds all of these that the index has: a miss is an answer
	ids      map[ID]Ordinal
	requests map[uint64]struct{} // hashes: a hit says only that one must look
	exacts   map[uint64]struct{} // first bytes of exact-content keys, as requests
	seed     maphash.Seed
}

// maxKnown bounds how many of each are remembered, at some 70 bytes for the three.
const maxKnown = 1 << 20

func newKnown(empty bool) *known {
	return &known{
		complete: empty, ids: map[ID]Ordinal{}, requests: map[uint64]struct{}{},
		exacts: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

// add takes over what a batch committed.
func (n *known) add(ids map[ID]Ordinal) {
	if max(len(n.ids)+len(ids), len(n.requests), len(n.exacts)) > maxKnown {
		*n = *newKnown(false)
	}
	if !n.complete && len(n.ids) > maxKnown/16 {
		clear(n.ids)
	}
	for id, ord := range ids {
		n.ids[id] = ord
	}
}

// newRequest reports whether the request is surely not in the index, and remembers it.
func (n *known) newRequest(request string) bool {
	if !n.complete {
		return false
	}
	h := maphash.String(n.seed, request)
	_, seen := n.requests[h]
	n.requests[h] = struct{}{}
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
