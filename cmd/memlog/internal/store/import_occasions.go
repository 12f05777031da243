package store

import (
	"bytes"
	"time"

	"memlog/index"
	"memlog/wal/event"
)

// occasions are those on which texts were said that are here already, as a view sees them. A text
// may have been said very often: one question costs the less of what it needs.
type occasions struct {
	v        *index.View
	metadata map[index.ID]map[string]bool // of a memory's occurrences, once asked for
}

// known reports whether a line without an id, of the text of the memory old, speaks of an occasion
// that is known by its time and metadata, as far as the line has them.
func (o *occasions) known(id index.ID, old event.Memory, l *importLine) (bool, error) {
	if l.sameOccasion(old.CreatedAt, old.Metadata) {
		return true, nil
	}
	if !l.dated {
		all, err := o.metadataOf(id)
		return all[string(l.m.Metadata)], err
	}
	occs, err := o.v.OccurrencesOf(id, l.m.CreatedAt.UnixMicro())
	for _, occ := range occs {
		said, err := event.DecodeOccurrence(occ.Payload)
		if err != nil {
			return false, err
		}
		if l.sameOccasion(said.CreatedAt, said.Metadata) {
			return true, nil
		}
	}
	return false, err
}

func (o *occasions) metadataOf(id index.ID) (map[string]bool, error) {
	if all := o.metadata[id]; all != nil {
		return all, nil
	}
	occs, err := o.v.Occurrences(id)
	if err != nil {
		return nil, err
	}
	all := make(map[string]bool, len(occs))
	for _, occ := range occs {
		said, err := event.DecodeOccurrence(occ.Payload)
		if err != nil {
			return nil, err
		}
		all[string(said.Metadata)] = true
	}
	if o.metadata == nil {
		o.metadata = map[index.ID]map[string]bool{}
	}
	o.metadata[id] = all
	return all, nil
}

// sameOccasion reports whether a line speaks of the occasion of that time and metadata.
func (l *importLine) sameOccasion(created time.Time, metadata []byte) bool {
	return (!l.dated || l.m.CreatedAt.Equal(created)) &&
		(len(l.m.Metadata) == 0 || bytes.Equal(l.m.Metadata, metadata))
}
