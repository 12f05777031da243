package wal

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Keys of the header map.
const (
	keySeq        = 1
	keyEpoch      = 2
	keyPrev       = 3
	keyTime       = 4
	keyWall       = 5
	keyRequest    = 6
	keyGroup      = 7
	keyProvenance = 8
	keyDigests    = 9
	keyMark       = 10
	keyLost       = 11
	keyBatch      = 12
)

// Keys of the map that a mark is, with exactly one of them.
const (
	markCreated        = 1
	markForked         = 2
	markLossAccepted   = 3
	markClockCorrected = 4
)

// header is the chained part of a frame.
type header struct {
	seq        Seq
	epoch      uint64
	prev       Hash
	time       int64 // microseconds
	wall       int64
	requestID  string
	groupID    string
	provenance Provenance
	digests    []Hash
	mark       *Mark
	lost       *Range
	batch      uint64 // records before this one that were written in the same sync
}

// synced is the last number that was durable when this record was written: a whole frame
// vouches for it.
func (h *header) synced() Seq { return h.seq - 1 - Seq(h.batch) }

// encode returns the deterministic CBOR of the header; its SHA-256 is the chain hash.
func (h *header) encode() []byte {
	b := make([]byte, 1, 160+34*len(h.digests))
	n := byte(4)
	b = appendUint(appendUint(b, keySeq), uint64(h.seq))
	b = appendUint(appendUint(b, keyEpoch), h.epoch)
	b = appendBytes(appendUint(b, keyPrev), h.prev[:])
	b = appendInt(appendUint(b, keyTime), h.time)
	if h.lost == nil {
		b, n = appendInt(appendUint(b, keyWall), h.wall), n+1
	}
	if h.requestID != "" {
		b, n = appendText(appendUint(b, keyRequest), h.requestID), n+1
	}
	if h.groupID != "" {
		b, n = appendText(appendUint(b, keyGroup), h.groupID), n+1
	}
	if h.provenance != (Provenance{}) {
		b, n = appendProvenance(appendUint(b, keyProvenance), &h.provenance), n+1
	}
	if len(h.digests) > 0 {
		b = appendHead(appendUint(b, keyDigests), majorArray, uint64(len(h.digests)))
		for i := range h.digests {
			b = appendBytes(b, h.digests[i][:])
		}
		n++
	}
	if h.mark != nil {
		b, n = appendMark(appendUint(b, keyMark), h.mark), n+1
	}
	if h.lost != nil {
		b = appendHead(appendUint(b, keyLost), majorArray, 2)
		b, n = appendUint(appendUint(b, uint64(h.lost.From)), uint64(h.lost.To)), n+1
	}
	if h.batch > 0 {
		b, n = appendUint(appendUint(b, keyBatch), h.batch), n+1
	}
	b[0] = majorMap<<5 | n
	return b
}

// provenanceFields lists the fields in the order of their keys, from 1.
func provenanceFields(p *Provenance) []*string {
	return []*string{&p.Client, &p.ClientVersion, &p.Session, &p.Project, &p.User, &p.Host,
		&p.Reason}
}

func appendProvenance(b []byte, p *Provenance) []byte {
	at, n := len(b), byte(0)
	b = append(b, 0)
	for i, f := range provenanceFields(p) {
		if *f != "" {
			b, n = appendText(appendUint(b, uint64(i+1)), *f), n+1
		}
	}
	b[at] = majorMap<<5 | n
	return b
}

func appendMark(b []byte, m *Mark) []byte {
	b = append(b, majorMap<<5|1)
	switch {
	case m.Created != nil:
		b = appendHead(appendUint(b, markCreated), majorArray, 2)
		return appendUint(appendBytes(b, m.Created.LogID[:]), m.Created.Format)
	case m.Forked != nil:
		f := m.Forked
		b = appendHead(appendUint(b, markForked), majorArray, 4)
		b = appendUint(appendBytes(b, f.From[:]), uint64(f.Position.Seq))
		return appendBytes(appendBytes(b, f.Position.Hash[:]), f.LogID[:])
	case m.LossAccepted != nil:
		a := m.LossAccepted
		b = appendHead(appendUint(b, markLossAccepted), majorArray, 3)
		b = appendUint(appendUint(b, uint64(a.From)), uint64(a.To))
		return appendBytes(b, a.After[:])
	case m.ClockCorrected != nil:
		b = appendHead(appendUint(b, markClockCorrected), majorArray, 1)
		return appendInt(b, m.ClockCorrected.From.UnixMicro())
	}
	b[len(b)-1] = majorMap << 5
	return b
}

// decodeHeader reads a header strictly. Keys of a newer version are passed over: what is
// hashed is the bytes, so they stay part of the chain.
func decodeHeader(b []byte) (header, error) {
	var h header
	var have uint64
	d := &decoder{b: b}
	d.mapKeys(func(key uint64) bool {
		if key < 64 {
			have |= 1 << key
		}
		return h.decodeKey(d, key)
	})
	if err := d.end(); err != nil {
		return header{}, err
	}
	const must = 1<<keySeq | 1<<keyEpoch | 1<<keyPrev | 1<<keyTime
	if have&must != must {
		return header{}, fmt.Errorf("%w: seq, epoch, previous hash or time is missing", errCBOR)
	}
	if !believable(h.time) || !believable(h.wall) {
		return header{}, fmt.Errorf("%w: a time outside of the years 1 to 9999", errCBOR)
	}
	if h.seq > MaxNumber || h.epoch > MaxNumber {
		return header{}, fmt.Errorf("%w: record %d, epoch %d", errCBOR, h.seq, h.epoch)
	}
	if h.seq == 0 || h.batch >= uint64(h.seq) {
		return header{}, fmt.Errorf("%w: record %d of batch offset %d", errCBOR, h.seq, h.batch)
	}
	return h, nil
}

// believable tells whether a time, in microseconds, is one that a record may have.
func believable(us int64) bool { return MinTime <= us && us <= MaxTime }

func (h *header) decodeKey(d *decoder, key uint64) bool {
	switch key {
	case keySeq:
		h.seq = Seq(d.uint())
	case keyEpoch:
		h.epoch = d.uint()
	case keyPrev:
		d.fixed(h.prev[:])
	case keyTime:
		h.time = d.int()
	case keyWall:
		h.wall = d.int()
	case keyRequest:
		h.requestID = d.text(MaxID)
	case keyGroup:
		h.groupID = d.text(MaxID)
	case keyProvenance:
		h.decodeProvenance(d)
	case keyDigests:
		h.decodeDigests(d)
	case keyMark:
		h.mark = decodeMark(d)
	case keyLost:
		more := d.exactly(2)
		h.lost = &Range{Seq(d.uint()), Seq(d.uint())}
		d.skipItems(more)
	case keyBatch:
		h.batch = d.uint()
	default:
		return false
	}
	return true
}

func (h *header) decodeProvenance(d *decoder) {
	fields := provenanceFields(&h.provenance)
	d.mapKeys(func(key uint64) bool {
		if key == 0 || key > uint64(len(fields)) {
			return false
		}
		*fields[key-1] = d.text(MaxProvenance)
		return true
	})
}

func (h *header) decodeDigests(d *decoder) {
	n := d.array()
	if n > MaxEvents {
		d.fail("%d digests, at most %d belong here", n, MaxEvents)
		return
	}
	h.digests = make([]Hash, n)
	for i := range h.digests {
		d.fixed(h.digests[i][:])
	}
}

// decodeMark returns an empty Mark for a kind that this version does not know.
func decodeMark(d *decoder) *Mark {
	m := new(Mark)
	d.mapKeys(func(key uint64) bool {
		more := 0
		switch key {
		case markCreated:
			more = d.exactly(2)
			m.Created = new(Created)
			d.fixed(m.Created.LogID[:])
			m.Created.Format = d.uint()
		case markForked:
			more = d.exactly(4)
			m.Forked = new(Forked)
			d.fixed(m.Forked.From[:])
			m.Forked.Position.Seq = Seq(d.uint())
			d.fixed(m.Forked.Position.Hash[:])
			d.fixed(m.Forked.LogID[:])
		case markLossAccepted:
			more = d.exactly(3)
			m.LossAccepted = &LossAccepted{From: Seq(d.uint()), To: Seq(d.uint())}
			d.fixed(m.LossAccepted.After[:])
		case markClockCorrected:
			more = d.exactly(1)
			m.ClockCorrected = &ClockCorrected{From: fromMicro(d.int())}
		default:
			return false
		}
		d.skipItems(more)
		return true
	})
	return m
}

func (d *decoder) skipItems(n int) {
	for range n {
		if d.err != nil {
			return
		}
		d.skip(1)
	}
}

// record builds the Record of a header; events are added by the frame decoder.
func (h *header) record(raw []byte) Record {
	return Record{
		Seq: h.seq, Epoch: h.epoch, Prev: h.prev, Hash: sha256.Sum256(raw),
		Time: fromMicro(h.time), Wall: fromMicro(h.wall),
		RequestID: h.requestID, GroupID: h.groupID, Provenance: h.provenance,
		Mark: h.mark, Digests: h.digests, Lost: h.lost != nil,
	}
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
