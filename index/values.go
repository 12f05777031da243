package index

import "fmt"

// Image flags.
const (
	flagDeleted    = 1 << 0
	flagIncomplete = 1 << 1
	flagOpen       = 1 << 2
	flagSuperseded = 1 << 3 // of rows: another document stands in for it
)

func flags(deleted, incomplete, open bool) (f byte) {
	if deleted {
		f |= flagDeleted
	}
	if incomplete {
		f |= flagIncomplete
	}
	if open {
		f |= flagOpen
	}
	return f
}

// encode returns the value of an image's key, which holds From and Row itself.
func (i *Image) encode() []byte {
	k := make(key, 0, 64+len(i.Type)+len(i.Project)+len(i.Payload))
	k = append(k, flags(i.Deleted, i.Incomplete, false))
	k = k.u64(i.Version).time(i.Created).u32(i.Terms).id(i.SupersededBy)
	k = k.text(i.Type).text(i.Project)
	return append(k, i.Payload...)
}

func decodeImage(k, v []byte) (Image, error) {
	f := fieldReader{b: k}
	f.take(1 + 4)
	i := Image{From: f.u64(), Row: f.row()}
	if err := f.done("image key"); err != nil {
		return Image{}, err
	}
	f = fieldReader{b: v}
	bits := f.u8()
	i.Deleted, i.Incomplete = bits&flagDeleted != 0, bits&flagIncomplete != 0
	i.Version, i.Created, i.Terms, i.SupersededBy = f.u64(), f.time(), f.u32(), f.id()
	i.Type, i.Project = f.text(), f.text()
	i.Payload = f.rest()
	return i, f.done("image")
}

// payloadOf returns the payload of an image's value, without a copy.
func payloadOf(v []byte) ([]byte, error) {
	f := fieldReader{b: v}
	f.take(1 + 8 + 8 + 4 + 16)
	for range 2 { // type and project
		f.take(int(f.u32()))
	}
	if f.err != nil {
		return nil, fmt.Errorf("read image: %w", f.err)
	}
	return f.b, nil
}

func imageKey(ord Ordinal, from uint64, row Row) key {
	return newKey(keyImage).ord(ord).u64(from).row(row)
}

// head says where a document's newest image is. It is the only value about a document that is
// rewritten with each version.
type head struct {
	open       bool // the image has not ended
	deleted    bool
	row        Row
	from       uint64
	terms      uint32
	version    uint64
	maxVersion uint64
	session    uint32 // in which the document first appeared
}

func (h head) encode() []byte {
	k := append(make(key, 0, 40), flags(h.deleted, false, h.open))
	return k.row(h.row).u64(h.from).u32(h.terms).u64(h.version).u64(h.maxVersion).u32(h.session)
}

func decodeHead(v []byte) (head, error) {
	f := fieldReader{b: v}
	bits := f.u8()
	h := head{open: bits&flagOpen != 0, deleted: bits&flagDeleted != 0}
	h.row, h.from, h.terms = f.row(), f.u64(), f.u32()
	h.version, h.maxVersion = f.u64(), f.u64()
	h.session = f.u32()
	return h, f.done("head")
}

func (o *Occurrence) encode() []byte {
	return append(make(key, 0, 16+len(o.Payload)).u64(o.To).time(o.Created), o.Payload...)
}

func decodeOccurrence(k, v []byte) (Occurrence, error) {
	f := fieldReader{b: k}
	f.take(1 + 4)
	o := Occurrence{ID: f.id(), From: f.u64()}
	if err := f.done("occurrence key"); err != nil {
		return Occurrence{}, err
	}
	f = fieldReader{b: v}
	o.To, o.Created = f.u64(), f.time()
	o.Payload = f.rest()
	return o, f.done("occurrence")
}

// totals are kept as of each sequence number that changed them, with the state digest.
type totals struct {
	Stats
	digest [32]byte
}

func (t totals) encode() []byte {
	k := make(key, 0, 64).u64(t.Live).u64(t.Deleted).u64(t.Terms).u64(t.Images)
	return append(k, t.digest[:]...)
}

func decodeTotals(v []byte) (totals, error) {
	f := fieldReader{b: v}
	t := totals{Stats: Stats{Live: f.u64(), Deleted: f.u64(), Terms: f.u64(), Images: f.u64()}}
	t.digest = f.hash()
	return t, f.done("totals")
}

// state is what the writer has to know: where it is and the next free numbers.
type state struct {
	checkpoint  Checkpoint
	nextDoc     Ordinal
	nextRow     Row
	nextName    uint32
	nextSession uint32
	anomalies   uint64
	totals      totals
	statSeq     uint64 // where totals were last written
	tongues     held
	readOnly    string // see SetReadOnlyReason; kept under a key of its own
}

func (s state) encode() []byte {
	c := s.checkpoint
	k := append(make(key, 0, 288).u64(c.Seq), c.Hash[:]...)
	k = append(k, c.LogID[:]...).time(c.Time)
	k = k.ord(s.nextDoc).row(s.nextRow).u32(s.nextName).u32(s.nextSession)
	k = k.u64(s.anomalies).u64(s.statSeq)
	for _, first := range s.tongues {
		k = k.u64(first)
	}
	return append(k, s.totals.encode()...)
}

func decodeState(v []byte) (state, error) {
	f := fieldReader{b: v}
	s := state{checkpoint: decodeCheckpoint(&f)}
	s.nextDoc, s.nextRow, s.nextName = f.ord(), f.row(), f.u32()
	s.nextSession = f.u32()
	s.anomalies, s.statSeq = f.u64(), f.u64()
	for t := range s.tongues {
		s.tongues[t] = f.u64()
	}
	if f.err != nil {
		return state{}, f.done("state")
	}
	t, err := decodeTotals(f.b)
	s.totals = t
	return s, err
}

func decodeCheckpoint(f *fieldReader) Checkpoint {
	c := Checkpoint{Seq: f.u64(), Hash: f.hash()}
	c.LogID = [16]byte(f.take(16))
	c.Time = f.time()
	return c
}
