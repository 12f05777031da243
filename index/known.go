package index

import "hash/maphash"

// known is what the writer remembers of which keys exist, so that filling a new generation, where
// nearly every lookup is of something that is not there, reads nothing. Owned by the open batch.
type known struct {
	complete bool // holds every document and request of the index: a miss is an answer
	ids      map[ID]Ordinal
	requests map[uint64]struct{} // hashes: a hit says only that one must look
	seed     maphash.Seed
}

// maxKnown bounds the documents and the requests remembered, at some 60 bytes each.
const maxKnown = 1 << 20

func newKnown(empty bool) *known {
	return &known{
		complete: empty, ids: map[ID]Ordinal{}, requests: map[uint64]struct{}{},
		seed: maphash.MakeSeed(),
	}
}

// add takes over what a batch committed.
func (n *known) add(ids map[ID]Ordinal) {
	if len(n.ids)+len(ids) > maxKnown || len(n.requests) > maxKnown {
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

// lookup returns a document's number from memory. sure is false where one must look.
func (b *Batch) lookup(id ID) (ord Ordinal, ok, sure bool) {
	if ord, ok = b.ids[id]; ok {
		return ord, true, true
	}
	ord, ok = b.d.known.ids[id]
	return ord, ok, ok || b.d.known.complete
}
