package vector

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// FirstMean is how many vectors a space has when the first mean is taken. Up to there its vectors
// have no codes and are compared whole.
const FirstMean = 1 << 12

// chunkSlots is how many slots share a mean and a piece of memory.
const chunkSlots = FirstMean

// NoRow is the row of a vector that no row has.
const NoRow = math.MaxUint32

// MeanOf returns which mean the code of a slot is around. Mean 0 is of the first FirstMean vectors,
// and a new one is taken at each doubling, for those that come after: so no code is ever made
// again, and a space that changes is followed.
func MeanOf(slot uint32) int {
	if slot < 2*FirstMean {
		return 0
	}
	return bits.Len32(slot/FirstMean) - 1
}

// MeanDue reports whether a mean is taken when a space has count vectors, and which.
func MeanDue(count uint32) (n int, due bool) {
	if count < FirstMean || count&(count-1) != 0 {
		return 0, false
	}
	return bits.Len32(count/FirstMean) - 1, true
}

// Slab is the part of a space that searches read, in memory: the codes, whose rows they are of, and
// when they came and went; about 70 bytes a vector of 384 dimensions. It only grows. One goroutine
// may add while any number search what was published.
type Slab struct {
	dims   int
	kernel kernel
	chunks atomic.Pointer[[]*chunk]
	slots  atomic.Pointer[[]*[chunkSlots]uint32] // by row: slot+1, 0 where it has none
	means  atomic.Pointer[[][]float32]
	epochs atomic.Pointer[[]Centroids]
	runs   atomic.Pointer[[]*run] // by number; nil: not sealed
	len    atomic.Uint32          // published
	last   atomic.Uint64          // arrival of the last one published

	// owned by the writer:
	added, coded uint32
	arrived      uint64
	parted       uint32   // how many were given a partition
	parts        []uint16 // those of the run that is not sealed
}

// chunk holds chunkSlots slots. What points elsewhere stands first: the garbage collector looks no
// further.
type chunk struct {
	whole []byte // the first FirstMean vectors as they are encoded, nil: they are not here
	codes atomic.Pointer[codes]
	ends  atomic.Pointer[[chunkSlots]atomic.Uint64]
	first uint64 // arrival of the first slot
	row   [chunkSlots]uint32
	later [chunkSlots]uint32 // arrival less first
}

// codes are those of chunkSlots slots: of a chunk's in their order, until its run is sealed; then
// of any slots of the run. They stand in groups of 32: a byte of each, then the next byte.
type codes struct {
	bits   []byte
	ratio  [chunkSlots]float32
	toMean [chunkSlots]float32
	ones   [chunkSlots]uint16
}

func newCodes(dims int) *codes { return &codes{bits: make([]byte, chunkSlots*bitBytes(dims))} }

// manyCodes makes codes of which those of a run stand together. Large pages need more memory than
// that to be in one piece: what is made one behind the other most often is.
func manyCodes(dims, n int) []*codes {
	size, all := chunkSlots*bitBytes(dims), make([]*codes, n)
	var runs [][]byte
	for left := n; left > 0; left -= runChunks {
		runs = append(runs, make([]byte, min(left, runChunks)*size))
	}
	for r, bits := range runs {
		of := make([]codes, len(bits)/size)
		largePages(bits)
		largePages(bytesOf(of))
		for i := range of {
			of[i].bits = bits[i*size:][:size:size]
			all[r*runChunks+i] = &of[i]
		}
	}
	return all
}

// NewSlab returns a slab of vectors of that many dimensions.
func NewSlab(dims int) *Slab {
	s := &Slab{dims: dims, kernel: bestKernel()}
	s.chunks.Store(&[]*chunk{})
	s.slots.Store(&[]*[chunkSlots]uint32{})
	s.means.Store(&[][]float32{})
	s.epochs.Store(&[]Centroids{})
	s.runs.Store(&[]*run{})
	return s
}

// Dims returns the number of dimensions.
func (s *Slab) Dims() int { return s.dims }

// Len returns how many vectors were published.
func (s *Slab) Len() uint32 { return s.len.Load() }

func (s *Slab) chunk(slot uint32) *chunk { return (*s.chunks.Load())[slot/chunkSlots] }

// Add appends the vector of a row (or NoRow) that came with record seq. Arrivals never go back.
// encoded is copied where it is needed.
func (s *Slab) Add(row uint32, seq uint64, encoded []byte) {
	slot := s.added
	s.added++
	c, i := s.grow(slot), slot%chunkSlots
	if i == 0 {
		c.first = seq
	}
	c.row[i], c.later[i] = row, uint32(min(seq-c.first, math.MaxUint32))
	if slot < FirstMean && c.whole != nil {
		copy(c.whole[int(i)*(HeadBytes+s.dims):], encoded)
	}
	s.arrived = seq
	if row != NoRow {
		s.setSlot(row, slot)
	}
}

// grow returns the chunk of a slot, which it makes where there is none.
func (s *Slab) grow(slot uint32) *chunk {
	for int(slot/chunkSlots) >= len(*s.chunks.Load()) {
		chunks := *s.chunks.Load()
		c := new(chunk)
		if len(chunks) == 0 && s.coded == 0 {
			c.whole = make([]byte, FirstMean*(HeadBytes+s.dims))
		}
		chunks = append(chunks[:len(chunks):len(chunks)], c)
		s.chunks.Store(&chunks)
	}
	return s.chunk(slot)
}

// Grow makes room for the first count vectors, of a slab that has none. Where those have codes,
// they are then set by SetCodes, and the first vectors themselves are not kept.
func (s *Slab) Grow(count uint32) {
	if count >= FirstMean {
		s.coded = count
	}
	n := int(count+chunkSlots-1) / chunkSlots
	room, of := make([]chunk, n), make([][chunkSlots]uint32, n) // most often as many rows
	largePages(bytesOf(room))
	largePages(bytesOf(of))
	all := make([]*codes, n)
	if count >= FirstMean {
		all = manyCodes(s.dims, n)
	}
	chunks, slots := make([]*chunk, n), make([]*[chunkSlots]uint32, n)
	for i := range room {
		room[i].codes.Store(all[i])
		chunks[i], slots[i] = &room[i], &of[i]
	}
	s.chunks.Store(&chunks)
	s.slots.Store(&slots)
	if count > 0 && count < FirstMean {
		chunks[0].whole = make([]byte, FirstMean*(HeadBytes+s.dims))
	}
}

func (s *Slab) setSlot(row, slot uint32) {
	for int(row/chunkSlots) >= len(*s.slots.Load()) {
		slots := *s.slots.Load()
		slots = append(slots[:len(slots):len(slots)], new([chunkSlots]uint32))
		s.slots.Store(&slots)
	}
	slots := *s.slots.Load()
	atomic.StoreUint32(&slots[row/chunkSlots][row%chunkSlots], slot+1)
}

// codesOf returns where the code of a slot goes, in a run that is not sealed.
func (s *Slab) codesOf(slot uint32) *codes {
	c := s.chunk(slot)
	if c.codes.Load() == nil {
		c.codes.Store(newCodes(s.dims))
	}
	return c.codes.Load()
}

// AddCode appends the code of the next slot that has none, as AppendCode made it.
func (s *Slab) AddCode(code []byte) {
	s.coded++
	s.setCode(s.coded-1, code)
}

func (s *Slab) setCode(slot uint32, code []byte) {
	c, i := s.codesOf(slot), slot%chunkSlots
	c.ratio[i], c.toMean[i] = factors(code)
	group := c.bits[int(i/scanLanes)*scanLanes*bitBytes(s.dims):]
	for n, b := range code[factorBytes:] {
		group[n*scanLanes+int(i%scanLanes)] = b
	}
	c.ones[i] = countOnes(code[factorBytes:])
}

// CodesTogether is how many slots have their codes in the same piece of memory.
const CodesTogether = chunkSlots

// SetCodes sets codes that stand one behind the other, of slots that Grow made room for, from slot
// on. Several goroutines may do so at the same time, each for another CodesTogether of slots.
func (s *Slab) SetCodes(slot uint32, codes []byte) {
	for size := CodeBytes(s.dims); len(codes) > 0; {
		if slot%scanLanes != 0 || len(codes) < scanLanes*size {
			s.setCode(slot, codes[:size])
			slot, codes = slot+1, codes[size:]
			continue
		}
		s.setGroup(slot, codes[:scanLanes*size])
		slot, codes = slot+scanLanes, codes[scanLanes*size:]
	}
}

// setGroup is setCode for each of a group's codes.
func (s *Slab) setGroup(slot uint32, codes []byte) {
	c, first, size := s.codesOf(slot), slot%chunkSlots, CodeBytes(s.dims)
	for l := range uint32(scanLanes) {
		code := codes[int(l)*size:][:size]
		c.ratio[first+l], c.toMean[first+l] = factors(code)
		c.ones[first+l] = countOnes(code[factorBytes:])
	}
	group := c.bits[int(first)*bitBytes(s.dims):][:scanLanes*bitBytes(s.dims)]
	interleave(group, codes[factorBytes:], size)
}

// AddMean appends the next mean.
func (s *Slab) AddMean(mean []float32) {
	means := *s.means.Load()
	means = append(means[:len(means):len(means)], mean)
	s.means.Store(&means)
}

// AddPartitions appends the centroids of the next partitions, where there are such, and after their
// codes the partitions of the next slots that have none.
func (s *Slab) AddPartitions(c Centroids, parts []uint16) {
	if c != nil {
		epochs := *s.epochs.Load()
		epochs = append(epochs[:len(epochs):len(epochs)], c)
		s.epochs.Store(&epochs)
	}
	for _, p := range parts {
		s.parts = append(s.parts, p)
		s.parted++
		if s.parted%runSlots == 0 {
			s.seal(s.parted/runSlots - 1)
			s.parts = s.parts[:0]
		}
	}
}

// Publish shows readers what was added.
func (s *Slab) Publish() {
	s.last.Store(s.arrived)
	s.len.Store(s.added)
}

// End says that a row ended at record seq.
func (s *Slab) End(row uint32, seq uint64) {
	slot, ok := s.Slot(row)
	if !ok {
		return
	}
	c := s.chunk(slot)
	if c.ends.Load() == nil {
		c.ends.Store(new([chunkSlots]atomic.Uint64))
	}
	c.ends.Load()[slot%chunkSlots].Store(seq)
}

// Slot returns where the vector of a row is; ok is false where it has none. It may not be
// published yet.
func (s *Slab) Slot(row uint32) (slot uint32, ok bool) {
	slots := *s.slots.Load()
	if int(row/chunkSlots) >= len(slots) {
		return 0, false
	}
	n := atomic.LoadUint32(&slots[row/chunkSlots][row%chunkSlots])
	return n - 1, n > 0
}

// Row returns the row of a slot, or NoRow.
func (s *Slab) Row(slot uint32) uint32 { return s.chunk(slot).row[slot%chunkSlots] }

// Whole returns the encoded vector of one of the first FirstMean slots, where it is kept.
func (s *Slab) Whole(slot uint32) ([]byte, bool) {
	if slot >= FirstMean || s.chunk(slot).whole == nil {
		return nil, false
	}
	size := HeadBytes + s.dims
	return s.chunk(slot).whole[int(slot)*size:][:size], true
}

// holds reports whether the row of a slot is one and has not ended at seq.
func (c *chunk) holds(i uint32, seq uint64) bool {
	if c.row[i] == NoRow {
		return false
	}
	ends := c.ends.Load()
	if ends == nil {
		return true
	}
	to := ends[i].Load()
	return to == 0 || to > seq
}

// Prefix returns how many vectors had come by record seq: those of the slots below.
func (s *Slab) Prefix(seq uint64) uint32 {
	// A reader that sees the last arrival of a later publication sees its length, too, or less
	// than it; either way the search below is right.
	n := s.len.Load()
	if n == 0 || s.last.Load() <= seq && s.len.Load() == n {
		return n
	}
	lo, hi := uint32(0), n // the first slot that came after seq is in [lo, hi]
	for lo < hi {
		mid := lo + (hi-lo)/2
		c := s.chunk(mid)
		if c.first+uint64(c.later[mid%chunkSlots]) <= seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// All returns the slots below prefix, which is at most FirstMean, whose rows have not ended at seq
// and pass: nil, any does.
func (s *Slab) All(prefix uint32, seq uint64, pass func(row uint32) bool) []Candidate {
	var all []Candidate
	for slot := range prefix {
		if c := s.chunk(slot); c.holds(slot, seq) && (pass == nil || pass(c.row[slot])) {
			all = append(all, Candidate{Slot: slot, Row: c.row[slot]})
		}
	}
	return all
}
