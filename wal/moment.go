package wal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"
)

// TimeOf returns the recorded time of a record. It reads no event: the record behind, which names
// this one's hash, vouches for its header. The errors are those of Read.
func (l *Log) TimeOf(seq Seq) (time.Time, error) {
	if us, ok := l.headerTime(l.view.Load(), seq); ok {
		return fromMicro(us), nil
	}
	r, err := l.Read(seq)
	return r.Time, err
}

// SeqAt returns the last record whose Time is at or before t, 0 if there is none. Where
// time went back (a clock was corrected), the last era that has begun by t counts.
func (l *Log) SeqAt(t time.Time) (Seq, error) {
	v := l.view.Load()
	all := v.pieces
	if v.active != nil {
		all = append(all[:len(all):len(all)], *v.active)
	}
	limit := t.UnixMicro()
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		starts := append([]era{{p.from, p.firstTime}}, p.eras...)
		last := p.to
		for j := len(starts) - 1; j >= 0; j-- {
			if starts[j].Seq < p.from {
				continue
			}
			if starts[j].Time <= limit {
				if seq, err := l.lastBefore(v, starts[j].Seq, last, limit); seq > 0 || err != nil {
					return seq, err
				}
			}
			last = starts[j].Seq - 1
		}
	}
	return 0, nil
}

// lastBefore finds a time in one era's part of a segment.
func (l *Log) lastBefore(v *view, from, to Seq, limit int64) (Seq, error) {
	if seq, ok := l.searchTime(v, from, to, limit); ok {
		return seq, nil
	}
	return l.scanTime(from, to, limit)
}

// searchTime is scanTime by few headers: those that have a mark, then those between two marks. ok
// is false where one of them cannot be had so.
func (l *Log) searchTime(v *view, from, to Seq, limit int64) (found Seq, ok bool) {
	p := v.find(from)
	if p == nil || p.to < to {
		return 0, false
	}
	if _, ok = l.headerTime(v, to); !ok { // the way there leaves marks behind
		return 0, false
	}
	after := func(seq Seq) bool {
		us, known := l.headerTime(v, seq)
		ok = ok && known
		return us > limit
	}
	marks := l.marks(p, v)
	marks = marks[sort.Search(len(marks), func(i int) bool { return marks[i].seq >= from }):]
	marks = marks[:sort.Search(len(marks), func(i int) bool { return marks[i].seq > to })]
	low, high := from, to+1
	i := sort.Search(len(marks), func(i int) bool { return after(marks[i].seq) })
	if i > 0 {
		low = marks[i-1].seq
	}
	if i < len(marks) {
		high = marks[i].seq
	}
	n := sort.Search(int(high-low), func(i int) bool { return after(low + Seq(i)) })
	if n == 0 {
		return 0, ok && low == from
	}
	return low + Seq(n) - 1, ok
}

// scanTime returns the last record of from..to by limit, 0 where the first is behind it.
func (l *Log) scanTime(from, to Seq, limit int64) (found Seq, err error) {
	for r, err := range l.Records(from, to) {
		var damage *CorruptionError
		if errors.As(err, &damage) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("find time: %w", err)
		}
		if r.Time.UnixMicro() > limit {
			break
		}
		found = r.Seq
	}
	return found, nil
}

// headerTime reads a record's time from its header. It is right where ok: the header has the hash
// that the record behind, or the head, says. Else, as for archived, lost and damaged records, the
// whole must be read.
func (l *Log) headerTime(v *view, seq Seq) (us int64, ok bool) {
	p := v.find(seq)
	if p == nil || p.file.archived || seq < p.from {
		return 0, false
	}
	r := headerReader{p: p}
	defer r.close()
	if r.open(l.nearest(p, v, seq)) != nil {
		return 0, false
	}
	h, raw, err := r.read(seq)
	if err != nil || h.lost != nil {
		return 0, false
	}
	hash, want := Hash(sha256.Sum256(raw)), p.hash
	if seq < p.last {
		behind, _, err := r.read(seq + 1)
		if err != nil {
			return 0, false
		}
		want = behind.prev
	}
	if hash != want {
		return 0, false
	}
	l.keepIndex(&marking{key: indexKey{p.file.path, p.off}, on: p != v.active, marks: r.marks})
	return h.time, true
}

// headerReader goes over the frames of a piece by their sizes and reads headers of some.
type headerReader struct {
	p     *piece
	f     *os.File
	at    indexMark // the frame it stands before
	buf   []byte    // of the file, from off on
	off   int64
	marks []indexMark // of the frames passed, where it began at the first
}

// headerWindow is how much is read at a time.
const headerWindow = 16 << 10

func (r *headerReader) open(from indexMark) (err error) {
	r.at = from
	r.f, err = os.Open(r.p.file.path)
	return err
}

func (r *headerReader) close() {
	if r.f != nil {
		r.f.Close() // it was only read
	}
}

// bytes returns n bytes of the piece from off on.
func (r *headerReader) bytes(off, n int64) ([]byte, error) {
	if off < r.off || off+n > r.off+int64(len(r.buf)) {
		size := min(max(n, headerWindow), r.p.end-off)
		if size < n {
			return nil, errShort
		}
		r.buf, r.off = make([]byte, size), off
		if _, err := r.f.ReadAt(r.buf, off); err != nil {
			r.buf = nil
			return nil, err
		}
	}
	return r.buf[off-r.off:][:n], nil
}

// read returns the header of a record that is not before where it stands, and its bytes.
func (r *headerReader) read(seq Seq) (header, []byte, error) {
	begun := r.at.seq == r.p.first || len(r.marks) > 0
	for {
		b, err := r.bytes(r.at.off, prefixLimit+frameFixed)
		if err != nil {
			return header{}, nil, err
		}
		n, size := binary.Uvarint(b[:prefixLimit])
		if size <= 0 {
			return header{}, nil, errLength
		}
		if frame, err := frameSize(b[size:]); err != nil || uint64(frame) != n {
			return header{}, nil, errors.Join(err, errLength)
		}
		if begun && uint64(r.at.seq-r.p.first)%indexEvery == 0 {
			r.marks = append(r.marks, r.at)
		}
		if r.at.seq == seq {
			raw, err := r.bytes(r.at.off+int64(size)+frameFixed,
				int64(binary.LittleEndian.Uint32(b[size+12:])))
			if err != nil {
				return header{}, nil, err
			}
			h, err := decodeHeader(raw)
			if err == nil && h.seq != seq {
				err = errContent
			}
			r.at = indexMark{seq + 1, r.at.off + int64(size) + int64(n)}
			return h, raw, err
		}
		r.at = indexMark{r.at.seq + 1, r.at.off + int64(size) + int64(n)}
	}
}
