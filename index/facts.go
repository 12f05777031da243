package index

import (
	"slices"
)

// Facts about a document, each with the interval in which it holds: tags, aliases, occurrences,
// links. Opening one that is open and ending one that is not are no changes and return false.

// fact is an interval value under two keys: by document and by name.
type fact struct {
	byDoc, byName byte
}

var (
	tagFact   = fact{keyDocTag, keyTagDoc}
	aliasFact = fact{keyDocAlias, keyAliasDoc}
)

func (f fact) docKey(ord Ordinal, name string, from uint64) key {
	return newKey(f.byDoc).ord(ord).str(name).u64(from)
}

func (f fact) nameKey(ord Ordinal, name string, from uint64) key {
	return newKey(f.byName).str(name).ord(ord).u64(from)
}

func (b *Batch) putFact(f fact, ord Ordinal, name string, from, to uint64) error {
	switch f {
	case tagFact:
		b.tagged = append(b.tagged, namedTagging{name, tagging{ord, from, to}})
	case aliasFact:
		b.aliased = true
	}
	v := key(nil).u64(to)
	if err := b.set(f.docKey(ord, name, from), v); err != nil {
		return err
	}
	return b.set(f.nameKey(ord, name, from), v)
}

// holding returns the names that hold for a document at seq, with when they began, in order.
func (f fact) holding(s source, ord Ordinal, seq uint64) (names []string, from []uint64,
	err error) {
	err = s.scan(newKey(f.byDoc).ord(ord), func(k, v []byte) (bool, error) {
		name, begin, end, err := f.decode(k, v)
		if err == nil && at(begin, end, seq) {
			names, from = append(names, name), append(from, begin)
		}
		return true, err
	})
	return names, from, err
}

// holds reports whether a name holds for a document at seq.
func (f fact) holds(s source, ord Ordinal, name string, seq uint64) (holds bool, err error) {
	err = s.scan(newKey(f.byDoc).ord(ord).str(name), func(k, v []byte) (bool, error) {
		_, begin, end, err := f.decode(k, v)
		holds = holds || at(begin, end, seq)
		return !holds, err
	})
	return holds, err
}

func (f fact) decode(k, v []byte) (name string, from, to uint64, err error) {
	r := fieldReader{b: k}
	r.take(1 + 4)
	name, from = r.str(), r.u64()
	if err := r.done("fact key"); err != nil {
		return "", 0, 0, err
	}
	r = fieldReader{b: v}
	to = r.u64()
	return name, from, to, r.done("fact")
}

// setFacts ends those that hold and are not wanted, and opens the wanted ones that do not hold.
func (b *Batch) setFacts(f fact, ord Ordinal, seq uint64, want []string, fresh bool) (opened,
	closed []string, err error) {
	var have []string
	var from []uint64
	if !fresh {
		if have, from, err = f.holding(b.src, ord, latest); err != nil {
			return nil, nil, err
		}
	}
	want = slices.Compact(slices.Sorted(slices.Values(want)))
	for i, name := range have {
		if _, ok := slices.BinarySearch(want, name); ok {
			continue
		}
		if err := b.putFact(f, ord, name, from[i], seq); err != nil {
			return nil, nil, err
		}
		closed = append(closed, name)
	}
	for _, name := range want {
		if slices.Contains(have, name) {
			continue
		}
		if err := b.putFact(f, ord, name, seq, 0); err != nil {
			return nil, nil, err
		}
		opened = append(opened, name)
	}
	return opened, closed, nil
}

// SetTags makes tags the document's tags from seq on, and returns what that changed. Order and
// doubles do not matter.
func (b *Batch) SetTags(id ID, seq uint64, tags []string) (opened, closed []string, err error) {
	ord, err := b.ensureDoc(id)
	if err != nil {
		return nil, nil, err
	}
	fresh := b.noTags[ord]
	delete(b.noTags, ord)
	return b.setFacts(tagFact, ord, seq, tags, fresh)
}

// OpenTag gives the document a tag from seq on.
func (b *Batch) OpenTag(id ID, seq uint64, tag string) (bool, error) {
	ord, err := b.ensureDoc(id)
	if err != nil {
		return false, err
	}
	delete(b.noTags, ord)
	_, open, err := b.openFact(tagFact, ord, tag)
	if err != nil || open {
		return false, err
	}
	return true, b.putFact(tagFact, ord, tag, seq, 0)
}

// CloseTag takes a tag from the document at seq.
func (b *Batch) CloseTag(id ID, seq uint64, tag string) (bool, error) {
	ord, ok, err := b.src.ordinal(id)
	if err != nil || !ok {
		return false, err
	}
	from, open, err := b.openFact(tagFact, ord, tag)
	if err != nil || !open {
		return false, err
	}
	return true, b.putFact(tagFact, ord, tag, from, seq)
}

func (b *Batch) openFact(f fact, ord Ordinal, name string) (from uint64, open bool, err error) {
	prefix := newKey(f.byDoc).ord(ord).str(name)
	err = b.src.scan(prefix, func(k, v []byte) (bool, error) {
		_, begin, end, err := f.decode(k, v)
		if end == 0 {
			from, open = begin, true
		}
		return true, err
	})
	return from, open, err
}

// SetAliases makes aliases the document's aliases from seq on, and returns what that changed.
func (b *Batch) SetAliases(id ID, seq uint64, aliases []string) (opened, closed []string,
	err error) {
	ord, err := b.ensureDoc(id)
	if err != nil {
		return nil, nil, err
	}
	fresh := b.noAlias[ord]
	delete(b.noAlias, ord)
	return b.setFacts(aliasFact, ord, seq, aliases, fresh)
}

func occurrenceKey(ord Ordinal, occ ID, from uint64) key {
	return newKey(keyOccurrence).ord(ord).id(occ).u64(from)
}

func (b *Batch) putOccurrence(ord Ordinal, o Occurrence) error {
	b.occurred = true
	if err := b.set(occurrenceKey(ord, o.ID, o.From), o.encode()); err != nil {
		return err
	}
	k := newKey(keyOccTime).time(o.Created).ord(ord).id(o.ID).u64(o.From)
	return b.set(k, key(nil).u64(o.To))
}

// PutOccurrence adds an occurrence from o.From on; o.To is not looked at.
func (b *Batch) PutOccurrence(id ID, o Occurrence) (bool, error) {
	ord, err := b.ensureDoc(id)
	if err != nil {
		return false, err
	}
	_, open, err := b.openOccurrence(ord, o.ID)
	if err != nil || open {
		return false, err
	}
	o.To = 0
	return true, b.putOccurrence(ord, o)
}

// CloseOccurrence takes an occurrence back at seq and returns it.
func (b *Batch) CloseOccurrence(id, occ ID, seq uint64) (Occurrence, bool, error) {
	ord, ok, err := b.src.ordinal(id)
	if err != nil || !ok {
		return Occurrence{}, false, err
	}
	o, open, err := b.openOccurrence(ord, occ)
	if err != nil || !open {
		return Occurrence{}, false, err
	}
	o.To = seq
	return o, true, b.putOccurrence(ord, o)
}

func (b *Batch) openOccurrence(ord Ordinal, occ ID) (o Occurrence, open bool, err error) {
	prefix := newKey(keyOccurrence).ord(ord).id(occ)
	err = b.src.scan(prefix, func(k, v []byte) (bool, error) {
		got, err := decodeOccurrence(k, v)
		if err == nil && got.To == 0 {
			o, open = got, true
		}
		return true, err
	})
	return o, open, err
}

func linkKey(prefix byte, a, b Ordinal, typ string, since uint64) key {
	return newKey(prefix).ord(a).ord(b).str(typ).u64(since)
}

func (b *Batch) putLink(from, to Ordinal, typ string, since, until uint64) error {
	b.linked = true
	v := key(nil).u64(until)
	if err := b.set(linkKey(keyLink, from, to, typ, since), v); err != nil {
		return err
	}
	return b.set(linkKey(keyLinkBack, to, from, typ, since), v)
}

func (b *Batch) openLink(from, to Ordinal, typ string) (since uint64, open bool, err error) {
	prefix := newKey(keyLink).ord(from).ord(to).str(typ)
	err = b.src.scan(prefix, func(k, v []byte) (bool, error) {
		r, w := fieldReader{b: k[len(prefix):]}, fieldReader{b: v}
		begin, end := r.u64(), w.u64()
		if end == 0 {
			since, open = begin, true
		}
		return true, w.done("link")
	})
	return since, open, err
}

// Link makes a link from seq on.
func (b *Batch) Link(from, to ID, typ string, seq uint64) (bool, error) {
	f, err := b.ensureDoc(from)
	if err != nil {
		return false, err
	}
	t, err := b.ensureDoc(to)
	if err != nil {
		return false, err
	}
	_, open, err := b.openLink(f, t, typ)
	if err != nil || open {
		return false, err
	}
	return true, b.putLink(f, t, typ, seq, 0)
}

// Unlink ends a link at seq.
func (b *Batch) Unlink(from, to ID, typ string, seq uint64) (bool, error) {
	f, ok, err := b.src.ordinal(from)
	if err != nil || !ok {
		return false, err
	}
	t, ok, err := b.src.ordinal(to)
	if err != nil || !ok {
		return false, err
	}
	since, open, err := b.openLink(f, t, typ)
	if err != nil || !open {
		return false, err
	}
	return true, b.putLink(f, t, typ, since, seq)
}
