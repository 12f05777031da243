package index

import (
	"cmp"
	"errors"
	"slices"
)

// Occurrences returns the occurrences that hold, also those of a tombstone, which Doc hides.
func (v *View) Occurrences(id ID) ([]Occurrence, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return nil, err
	}
	return v.occurrences(ord)
}

// OccurrencesOf is Occurrences, of those alone that were created then, in microseconds since 1970.
func (v *View) OccurrencesOf(id ID, created int64) ([]Occurrence, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return nil, err
	}
	var occs []Occurrence
	prefix := newKey(keyOccTime).time(created).ord(ord)
	err = v.src.scan(prefix, func(k, _ []byte) (bool, error) {
		f := fieldReader{b: k[len(prefix):]}
		occ, from := f.id(), f.u64()
		if err := f.done("occurrence key"); err != nil {
			return false, err
		}
		k = occurrenceKey(ord, occ, from)
		val, ok, err := v.src.get(k)
		if err != nil || !ok {
			return false, errors.Join(err, errValue)
		}
		return true, v.addOccurrence(&occs, k, val)
	})
	sortOccurrences(occs)
	return occs, err
}

func (v *View) occurrences(ord Ordinal) ([]Occurrence, error) {
	var occs []Occurrence
	err := v.src.scan(newKey(keyOccurrence).ord(ord), func(k, val []byte) (bool, error) {
		return true, v.addOccurrence(&occs, k, val)
	})
	sortOccurrences(occs)
	return occs, err
}

// addOccurrence adds one if it holds.
func (v *View) addOccurrence(to *[]Occurrence, k, val []byte) error {
	o, err := decodeOccurrence(k, val)
	if err == nil && at(o.From, o.To, v.seq) {
		o.To = v.known(o.To)
		*to = append(*to, o)
	}
	return err
}

func sortOccurrences(occs []Occurrence) {
	slices.SortFunc(occs, func(a, b Occurrence) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Created, b.Created),
			slices.Compare(a.ID[:], b.ID[:]))
	})
}
