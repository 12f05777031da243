package index

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// The ledger is what the index knows about commands rather than documents: requests, groups,
// undone commands, anomalies, and the running state digest.

// PutRequest notes which record answered a request. The first record of a request stays.
func (b *Batch) PutRequest(request string, seq uint64) error {
	k := newKey(keyRequest).raw(request)
	if !b.d.known.newRequest(request) {
		if _, ok, err := b.src.get(k); err != nil || ok {
			return err
		}
	}
	return b.set(k, key(nil).u64(seq))
}

// PutGroup notes that a record belongs to a group.
func (b *Batch) PutGroup(group string, seq uint64) error {
	return b.set(newKey(keyGroup).str(group).u64(seq), nil)
}

// PutCommand notes an undoable command.
func (b *Batch) PutCommand(c Command) error {
	v := key(nil).text(c.Session).text(c.Group)
	if err := b.set(newKey(keyCommand).u64(c.Seq), v); err != nil {
		return err
	}
	return b.set(newKey(keySession).str(c.Session).u64(c.Seq), key(nil).text(c.Group))
}

// MarkUndone notes that the command at seq counts as undone, or no longer so, from the record at
// on.
func (b *Batch) MarkUndone(seq, at uint64, undone bool) error {
	v := []byte{0}
	if undone {
		v[0] = 1
	}
	return b.set(newKey(keyUndone).u64(seq).u64(at), v)
}

// AddAnomaly counts an anomaly, and keeps it where it is one of the first MaxAnomalies.
func (b *Batch) AddAnomaly(a Anomaly) error {
	k := newKey(keyAnomalies).raw(a.Kind)
	n, _, err := b.src.getU64(k)
	if err != nil {
		return err
	}
	if err := b.set(k, key(nil).u64(n+1)); err != nil {
		return err
	}
	if b.state.anomalies >= MaxAnomalies {
		return nil
	}
	v := key(nil).u64(a.Seq).text(a.Kind).text(a.Detail)
	k = newKey(keyAnomaly).u64(b.state.anomalies)
	b.state.anomalies++
	return b.set(k, v)
}

// SetReadOnlyReason notes why a store with this log must not be written to by this program. The
// first reason stays.
func (b *Batch) SetReadOnlyReason(reason string) error {
	if b.state.readOnly != "" {
		return nil
	}
	b.state.readOnly = reason
	return b.set(metaReadOnly, []byte(reason))
}

// AddDigest adds an element's hash to the running state digest, modulo 2^256.
func (b *Batch) AddDigest(element [32]byte) {
	b.state.totals.digest = AddDigest(b.state.totals.digest, element)
}

// SubDigest takes an element's hash from the running state digest.
func (b *Batch) SubDigest(element [32]byte) {
	b.state.totals.digest = subDigest(b.state.totals.digest, element)
}

// StateDigest returns the running state digest.
func (b *Batch) StateDigest() [32]byte { return b.state.totals.digest }

// AddDigest returns a+b modulo 2^256, both big endian.
func AddDigest(a, b [32]byte) [32]byte {
	var carry, s uint64
	for i := 24; i >= 0; i -= 8 {
		s, carry = bits.Add64(be(a, i), be(b, i), carry)
		binary.BigEndian.PutUint64(a[i:], s)
	}
	return a
}

func subDigest(a, b [32]byte) [32]byte {
	var borrow, s uint64
	for i := 24; i >= 0; i -= 8 {
		s, borrow = bits.Sub64(be(a, i), be(b, i), borrow)
		binary.BigEndian.PutUint64(a[i:], s)
	}
	return a
}

func be(a [32]byte, i int) uint64 { return binary.BigEndian.Uint64(a[i:]) }

// Request returns the record that answered a request.
func (v *View) Request(request string) (uint64, bool, error) {
	if v.batch != nil && v.batch.d.known.noRequest(request) {
		return 0, false, nil
	}
	seq, ok, err := v.src.getU64(newKey(keyRequest).raw(request))
	if err != nil || !ok || seq > v.seq {
		return 0, false, err
	}
	return seq, true, nil
}

// Undone reports whether the command at seq counts as undone.
func (v *View) Undone(seq uint64) (bool, error) {
	prefix := newKey(keyUndone).u64(seq)
	_, val, ok, err := v.src.last(prefix, v.limit(prefix))
	if err != nil || !ok {
		return false, err
	}
	return len(val) == 1 && val[0] == 1, nil
}

// limit is the first key behind those that begin with prefix and a number that the view sees.
func (v *View) limit(prefix key) []byte {
	if v.seq == latest {
		return prefix.upper()
	}
	return append(key(nil), prefix...).u64(v.seq + 1)
}

// Group returns the records of a group, oldest first.
func (v *View) Group(group string) ([]uint64, error) {
	var seqs []uint64
	prefix := newKey(keyGroup).str(group)
	err := v.src.scanRange(prefix, v.limit(prefix), func(k, _ []byte) (bool, error) {
		f := fieldReader{b: k[len(prefix):]}
		seqs = append(seqs, f.u64())
		return true, f.done("group")
	})
	return seqs, err
}

// Commands iterates over the undoable commands before the record before (0: all), newest first:
// those of a session, or of the whole store where session is "".
func (v *View) Commands(session string, before uint64) iter.Seq2[Command, error] {
	return func(yield func(Command, error) bool) {
		prefix := newKey(keyCommand)
		if session != "" {
			prefix = newKey(keySession).str(session)
		}
		limit := v.limit(prefix)
		if before != 0 && before <= v.seq {
			limit = append(key(nil), prefix...).u64(before)
		}
		it, err := v.src.iter(prefix, limit)
		if err != nil {
			yield(Command{}, err)
			return
		}
		defer it.Close()
		for ok := it.Last(); ok; ok = it.Prev() {
			c, err := decodeCommand(session, it.Key()[len(prefix):], it.Value())
			if !yield(c, v.src.fuse.check(err)) || err != nil {
				return
			}
		}
		if err := v.src.finish(it); err != nil {
			yield(Command{}, err)
		}
	}
}

func decodeCommand(session string, k, v []byte) (Command, error) {
	f, g := fieldReader{b: k}, fieldReader{b: v}
	c := Command{Seq: f.u64(), Session: session}
	if session == "" {
		c.Session = g.text()
	}
	c.Group = g.text()
	if f.err != nil {
		return c, f.done("command key")
	}
	return c, g.done("command")
}

// Anomalies returns what could not be applied so far, up to the end of the index whatever the
// view's moment.
func (v *View) Anomalies() (Anomalies, error) {
	a := Anomalies{Counts: map[string]uint64{}}
	err := v.src.scan(newKey(keyAnomalies), func(k, val []byte) (bool, error) {
		f := fieldReader{b: val}
		a.Counts[string(k[1:])] = f.u64()
		return true, f.done("anomaly count")
	})
	if err != nil {
		return a, err
	}
	err = v.src.scan(newKey(keyAnomaly), func(_, val []byte) (bool, error) {
		f := fieldReader{b: val}
		a.First = append(a.First, Anomaly{Seq: f.u64(), Kind: f.text(), Detail: f.text()})
		return true, f.done("anomaly")
	})
	return a, err
}

// ReadOnlyReason returns why the store must not be written to, "" where it may.
func (v *View) ReadOnlyReason() (string, error) {
	err, _ := v.src.fuse.state()
	if v.batch != nil {
		return v.batch.state.readOnly, err
	}
	return v.readOnly, err
}
