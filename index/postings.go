package index

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// A posting is the low 16 bits of a row and how often the term stands in its text, both little
// endian; the high bits of the row stand in the key. Postings of one key are in order of rows,
// since rows are given out in order and a value only grows.
const postingSize = 4

func appendPosting(b []byte, row Row, tf uint32) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(row))
	return binary.LittleEndian.AppendUint16(b, uint16(min(tf, math.MaxUint16)))
}

func (k key) posting(term string, block uint32) key {
	return append(k, keyPosting).str(term).u32(block)
}

// A run is one stored value of a term's postings: rows base+0 to base+65535, in order.
type run struct {
	base Row
	data []byte
	of   *[runWindows]stretch // by window of rows; replaced, never changed; nil: no posting
}

// stretch is what a run has of a window of rows.
type stretch struct {
	end  uint32 // the place behind the last of its postings
	most uint16 // how often a text of it has the term at most, or more
}

// runWindows are the windows of rows of a run.
const runWindows = 1 << postingBlockShift / windowRows

// with returns the run with postings appended.
func (r run) with(postings []byte) run {
	of, at := new([runWindows]stretch), uint32(0)
	if r.of != nil {
		*of, at = *r.of, uint32(r.len())
	}
	r.data, r.of = append(r.data, postings...), of
	for ; len(postings) >= postingSize; postings = postings[postingSize:] {
		p := binary.LittleEndian.Uint32(postings)
		s := &of[p%(1<<postingBlockShift)/windowRows]
		at++
		s.end, s.most = at, max(s.most, uint16(p>>16))
	}
	for i := 1; i < runWindows; i++ { // those without a posting end where the one before does
		of[i].end = max(of[i].end, of[i-1].end)
	}
	return r
}

// window returns the postings of the window of rows that begins with from, one of the run's, and
// the most that its stretch says.
func (r run) window(from Row) (data []byte, most uint16) {
	if r.len() == 0 {
		return nil, 0
	}
	i, begin := (from-r.base)/windowRows, 0
	if i > 0 {
		begin = int(r.of[i-1].end)
	}
	end := min(int(r.of[i].end), r.len()) // what is cut off is in its stretch still
	begin = min(begin, end)
	return r.data[begin*postingSize : end*postingSize], r.of[i].most
}

func (r run) len() int         { return len(r.data) / postingSize }
func (r run) row(i int) Row    { return r.base | Row(r.low(i)) }
func (r run) low(i int) uint16 { return lowOf(r.data, i) }
func (r run) tf(i int) uint32 {
	return uint32(binary.LittleEndian.Uint16(r.data[i*postingSize+2:]))
}

// lowOf is low of postings that are at hand: a run is too large for the processor's registers.
func lowOf(data []byte, i int) uint16 { return binary.LittleEndian.Uint16(data[i*postingSize:]) }

// search returns the place of the first row from n on.
func (r *run) search(n Row) int { return r.searchFrom(0, n) }

// searchFrom is search where all rows before place from are known to be less. What is near is found
// fastest.
func (r *run) searchFrom(from int, n Row) int {
	if n <= r.base {
		return from
	}
	if n-r.base >= 1<<postingBlockShift {
		return r.len()
	}
	data, low, step := r.data, uint16(n), 1
	for from+step <= r.len() && lowOf(data, from+step-1) < low {
		from += step
		step *= 2
	}
	for end := min(from+step-1, r.len()); from < end; {
		if mid := int(uint(from+end) / 2); lowOf(data, mid) < low {
			from = mid + 1
		} else {
			end = mid
		}
	}
	return from
}

// searchBack is search where all rows from place to on are known not to be less. What is near is
// found fastest.
func (r *run) searchBack(to int, n Row) int {
	if n <= r.base {
		return 0
	}
	if n-r.base >= 1<<postingBlockShift {
		return to
	}
	data, low, step := r.data, uint16(n), 1
	for step <= to && lowOf(data, to-step) >= low {
		to -= step
		step *= 2
	}
	for from := max(to-step+1, 0); from < to; {
		if mid := int(uint(from+to) / 2); lowOf(data, mid) < low {
			from = mid + 1
		} else {
			to = mid
		}
	}
	return to
}

// until returns the postings of rows before n.
func (r run) until(n Row) run {
	r.data = r.data[:r.search(n)*postingSize]
	return r
}

// appendMerger concatenates operands, oldest first. Pebble's own does the same but copies all it
// has for each operand when it reads newest first, which is quadratic.
var appendMerger = &pebble.Merger{
	Name: "memlog.append",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		return &appendValue{operands: [][]byte{append([]byte(nil), value...)}}, nil
	},
}

// appendValue holds operands in the order they came: newest or oldest first, never both.
type appendValue struct {
	operands [][]byte
	reversed bool
}

func (a *appendValue) MergeNewer(value []byte) error {
	a.operands = append(a.operands, append([]byte(nil), value...))
	return nil
}

func (a *appendValue) MergeOlder(value []byte) error {
	a.reversed = true
	return a.MergeNewer(value)
}

func (a *appendValue) Finish(bool) ([]byte, io.Closer, error) {
	if len(a.operands) == 1 {
		return a.operands[0], nil, nil
	}
	n := 0
	for _, o := range a.operands {
		n += len(o)
	}
	out := make([]byte, 0, n)
	for i := range a.operands {
		if a.reversed {
			i = len(a.operands) - 1 - i
		}
		out = append(out, a.operands[i]...)
	}
	return out, nil, nil
}
