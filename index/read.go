package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// source reads keys: a snapshot, a batch over the DB, or the DB.
type source struct {
	r     pebble.Reader
	fuse  *fuse
	batch *Batch  // nil: of no batch
	seek  *seeker // nil: each read is on its own
}

// ready is called before keys from lower up to upper are read: what the batch has collected for
// them is moved to where it is seen.
func (s source) ready(lower, upper []byte) error {
	if err, _ := s.fuse.state(); err != nil {
		return err
	}
	if s.batch == nil || len(s.batch.appends)+len(s.batch.postings.of) == 0 {
		return nil
	}
	for i := range len(appended) {
		from := len(lower) == 0 || lower[0] <= appended[i]
		if from && (len(upper) == 0 || appended[i] <= upper[0]) {
			return s.batch.flushAppends()
		}
	}
	return nil
}

// get returns a copy of the value of k.
func (s source) get(k []byte) ([]byte, bool, error) {
	var out []byte
	ok, err := s.peek(k, func(v []byte) error {
		out = append(make([]byte, 0, len(v)), v...)
		return nil
	})
	return out, ok, err
}

// peek calls fn with the value of k, which is valid only during the call.
func (s source) peek(k []byte, fn func(v []byte) error) (bool, error) {
	if err := s.ready(k, k); err != nil {
		return false, err
	}
	if s.free() {
		return s.seekTo(k, fn)
	}
	v, c, err := s.r.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, s.fuse.check(fmt.Errorf("read index: %w", err))
	}
	return true, errors.Join(fn(v), c.Close())
}

// getU32 reads a number of four bytes, 0 where there is none.
func (s source) getU32(k []byte) (n uint32, ok bool, err error) {
	ok, err = s.peek(k, func(v []byte) error {
		f := fieldReader{b: v}
		n = f.u32()
		return f.done("number")
	})
	return n, ok, s.fuse.check(err)
}

// getU64 reads a number, 0 where there is none.
func (s source) getU64(k []byte) (uint64, bool, error) {
	v, ok, err := s.get(k)
	if err != nil || !ok {
		return 0, false, err
	}
	if len(v) != 8 {
		return 0, false, s.fuse.check(fmt.Errorf("read %q: %w", k, errValue))
	}
	return binary.BigEndian.Uint64(v), true, nil
}

// iter returns an iterator over the keys in [lower, upper).
func (s source) iter(lower, upper []byte) (*pebble.Iterator, error) {
	if err := s.ready(lower, upper); err != nil {
		return nil, err
	}
	it, err := s.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, s.fuse.check(fmt.Errorf("read index: %w", err))
	}
	return it, nil
}

// scan calls fn with each key that begins with prefix, in order, until fn says stop. Key and value
// are valid only during the call.
func (s source) scan(prefix key, fn func(k, v []byte) (more bool, err error)) error {
	return s.scanRange(prefix, prefix.upper(), fn)
}

func (s source) scanRange(lower, upper []byte, fn func(k, v []byte) (bool, error)) error {
	if s.free() {
		return s.seekRange(lower, upper, fn)
	}
	it, err := s.iter(lower, upper)
	if err != nil {
		return err
	}
	defer it.Close()
	return s.walk(it, it.First(), it.Next, fn)
}

// walk calls fn with the key an iterator stands on, and those it comes to.
func (s source) walk(it *pebble.Iterator, ok bool, next func() bool,
	fn func(k, v []byte) (bool, error)) error {
	for ; ok; ok = next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return s.fuse.check(fmt.Errorf("read index: %w", err))
		}
		more, err := fn(it.Key(), v)
		if err != nil {
			return s.fuse.check(err)
		}
		if !more {
			return nil
		}
	}
	return s.finish(it)
}

// last returns the last key with that prefix below limit.
func (s source) last(prefix key, limit []byte) (k, v []byte, ok bool, err error) {
	it, err := s.iter(prefix, limit)
	if err != nil {
		return nil, nil, false, err
	}
	defer it.Close()
	if !it.Last() {
		return nil, nil, false, s.finish(it)
	}
	val, err := it.ValueAndErr()
	if err != nil {
		return nil, nil, false, s.fuse.check(fmt.Errorf("read index: %w", err))
	}
	return append([]byte(nil), it.Key()...), append([]byte(nil), val...), true, nil
}

func (s source) finish(it *pebble.Iterator) error {
	if err := it.Error(); err != nil {
		return s.fuse.check(fmt.Errorf("read index: %w", err))
	}
	return nil
}

// ordinal returns the number of a document that was ever seen.
func (s source) ordinal(id ID) (Ordinal, bool, error) {
	if s.batch != nil {
		if ord, ok, sure := s.batch.lookup(id); sure {
			return ord, ok, nil
		}
	}
	v, ok, err := s.get(newKey(keyDoc).id(id))
	if err != nil || !ok {
		return 0, false, err
	}
	f := fieldReader{b: v}
	ord := f.ord()
	if s.batch != nil {
		s.batch.ids[id] = ord
	}
	return ord, true, s.fuse.check(f.done("ordinal"))
}

// id returns the id of a document by its number.
func (s source) id(ord Ordinal) (ID, error) {
	v, _, err := s.get(newKey(keyIDs).u32(uint32(ord) >> idBlockShift))
	if err != nil {
		return ID{}, err
	}
	at := int(ord&(1<<idBlockShift-1)) * len(ID{})
	if at+len(ID{}) > len(v) {
		return ID{}, s.fuse.check(fmt.Errorf("read id of document %d: %w", ord, errValue))
	}
	return ID(v[at : at+len(ID{})]), nil
}

func (s source) head(ord Ordinal) (head, bool, error) {
	v, ok, err := s.get(newKey(keyHead).ord(ord))
	if err != nil || !ok {
		return head{}, false, err
	}
	h, err := decodeHead(v)
	return h, true, s.fuse.check(err)
}

func (s source) state() (state, error) {
	v, ok, err := s.get(metaState)
	if err != nil || !ok {
		return state{}, err
	}
	st, err := decodeState(v)
	if err != nil {
		return st, s.fuse.check(err)
	}
	why, _, err := s.get(metaReadOnly)
	st.readOnly = string(why)
	return st, err
}

// nameID returns the number of a type or project name, 0 for the empty name; ok is false where
// nothing ever had that name.
func (s source) nameID(name string) (uint32, bool, error) {
	if name == "" {
		return 0, true, nil
	}
	v, ok, err := s.get(newKey(keyNameID).raw(name))
	if err != nil || !ok {
		return 0, false, err
	}
	f := fieldReader{b: v}
	n := f.u32()
	return n, true, s.fuse.check(f.done("name"))
}
