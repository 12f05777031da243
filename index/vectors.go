package index

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"memlog/index/vector"
)

// Vectors live in spaces: what one model gives, in that many dimensions. Vectors of two spaces are
// never compared. A vector has a slot in its space, given in order of arrival and never again, and
// belongs to at most one row; a row has at most one vector in a space.

// Space is a model's identity and its number of dimensions.
type Space struct {
	Model string
	Dims  int
}

// NewVector is what PutVector adds: the vector of one version of a document.
type NewVector struct {
	ID      ID
	Version uint64
	Seq     uint64
	Model   string
	Encoded []byte // as vector.Vector.Append writes it; vector.Validate must accept it
}

// space is a Space as the index keeps it.
type space struct {
	Space
	num   uint32
	count uint32    // slots given out
	mean  []float32 // the newest, once it was needed; nil where there is none
	// centroids are those of the newest partitions, likewise.
	centroids vector.Centroids
}

// Kinds of keys under keySpacePart.
const (
	partSlot = 's' // per slot: its row and the record it came with
	partCode = 'c' // per slot: its code (package vector)
	partMean = 'm' // by number

	partEpoch     = 'p' // by number: centroids
	partPartition = 'q' // per slot: its partition
)

const (
	slotBlockShift = 8
	slotRecordSize = 4 + 8
)

func vectorKey(space, slot uint32) key { return newKey(keyVector).u32(space).u32(slot) }

func partKey(kind byte, space uint32) key {
	return append(newKey(keySpacePart), kind).u32(space)
}

func versionVectorKey(space uint32, ord Ordinal, version uint64) key {
	return newKey(keyVersionVector).u32(space).ord(ord).u64(version)
}

func (s space) encode() []byte {
	return newBytes(8 + len(s.Model)).u32(uint32(s.Dims)).u32(s.count).raw(s.Model)
}

func newBytes(size int) key { return make(key, 0, size) }

// spaces reads all spaces, in order of their numbers.
func (s source) spaces() ([]space, error) {
	var all []space
	err := s.scan(newKey(keySpace), func(k, v []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: v}
		one := space{num: f.u32(), Space: Space{Dims: int(g.u32())}, count: g.u32()}
		one.Model = string(g.rest())
		if f.done("space key") != nil || g.err != nil || int(one.num) != len(all) {
			return false, errValue
		}
		all = append(all, one)
		return true, nil
	})
	return all, err
}

// vectors is the part of a batch that is about them.
type vectors struct {
	spaces []space
	dirty  map[uint32]bool // spaces to be written
	added  []addedVector   // for the slabs, once committed
}

// addedVector is one step of what a slab has to learn, in order.
type addedVector struct {
	space   uint32
	row     Row
	seq     uint64
	encoded []byte    // a vector
	code    []byte    // or a code
	mean    []float32 // or a mean

	centroids vector.Centroids // or partitions
	parts     []uint16         // or which the next slots are in
}

func newVectors(spaces []space) vectors {
	return vectors{spaces: slices.Clone(spaces), dirty: map[uint32]bool{}}
}

// flushVectors writes how far the spaces are, so that it can be read.
func (b *Batch) flushVectors() error {
	x := &b.vectors
	for _, n := range slices.Sorted(maps.Keys(x.dirty)) {
		if err := b.set(newKey(keySpace).u32(n), x.spaces[n].encode()); err != nil {
			return err
		}
	}
	clear(x.dirty)
	return nil
}

// findSpace returns the number of a space and makes it where there is none.
func (b *Batch) findSpace(want Space) (uint32, error) {
	x := &b.vectors
	for _, s := range x.spaces {
		if s.Space == want {
			return s.num, nil
		}
	}
	if len(x.spaces) == MaxSpaces {
		return 0, ErrSpaces
	}
	n := uint32(len(x.spaces))
	x.spaces = append(x.spaces, space{Space: want, num: n})
	return n, nil
}

// PutVector adds the vector of a version of a document, which must have been seen. It reports
// whether that version had none in that space. ErrSpaces where there are too many spaces.
func (b *Batch) PutVector(v NewVector) (bool, error) {
	ord, ok, err := b.src.ordinal(v.ID)
	if err != nil || !ok {
		return false, err
	}
	dims := len(v.Encoded) - vector.HeadBytes
	n, err := b.findSpace(Space{v.Model, dims})
	if err != nil {
		return false, err
	}
	k := versionVectorKey(n, ord, v.Version)
	if !b.noVector(n, ord) {
		if _, known, err := b.src.get(k); err != nil || known {
			return false, err
		}
	}
	row, err := b.openRow(ord, v.Version) // or none: kept for a later image of that version
	if err != nil {
		return false, err
	}
	b.noteVector(n, ord)
	return true, b.addVector(n, k, row, v.Seq, v.Encoded)
}

// carryVectors gives a new image the vectors of its version, and of the image before it where the
// text is the same.
func (b *Batch) carryVectors(i NewImage, ord Ordinal, row Row, before head) error {
	for n := range uint32(len(b.vectors.spaces)) {
		if b.noVector(n, ord) {
			continue
		}
		k := versionVectorKey(n, ord, i.Version)
		slot, ok, err := b.src.getU32(k)
		if err == nil && !ok && i.SameText {
			slot, ok, err = b.src.getU32(versionVectorKey(n, ord, before.version))
		}
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		encoded, ok, err := b.src.get(vectorKey(n, slot))
		if err == nil && !ok {
			err = b.d.fuse.check(fmt.Errorf("no vector %d in space %d: %w", slot, n, errValue))
		}
		if err == nil {
			b.noteVector(n, ord)
			err = b.addVector(n, k, row, i.Seq, encoded)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addVector gives a vector the next slot; of is the key that names it.
func (b *Batch) addVector(n uint32, of key, row Row, seq uint64, encoded []byte) error {
	s := &b.vectors.spaces[n]
	slot := s.count
	s.count++
	b.vectors.dirty[n] = true
	if err := b.set(vectorKey(n, slot), encoded); err != nil {
		return err
	}
	if err := b.set(of, key(nil).u32(slot)); err != nil {
		return err
	}
	b.appendPart(partSlot, n, slot, newBytes(slotRecordSize).row(row).u64(seq))
	b.vectors.added = append(b.vectors.added,
		addedVector{space: n, row: row, seq: seq, encoded: encoded})
	if slot >= vector.FirstMean {
		mean, err := b.mean(s)
		if err != nil {
			return err
		}
		b.addCode(n, slot, encoded, mean)
	}
	if due, ok := vector.MeanDue(s.count); ok {
		if err := b.takeMean(s, due); err != nil {
			return err
		}
	}
	return b.partition(s, slot, encoded)
}

func (b *Batch) appendPart(kind byte, space, slot uint32, record []byte) {
	b.appendTo(partKey(kind, space).u32(slot>>slotBlockShift), record)
}

func (b *Batch) addCode(n, slot uint32, encoded []byte, mean []float32) {
	code := vector.AppendCode(nil, encoded, mean)
	b.appendPart(partCode, n, slot, code)
	b.vectors.added = append(b.vectors.added, addedVector{space: n, code: code})
}

// mean returns the mean that new codes of a space are around.
func (b *Batch) mean(s *space) ([]float32, error) {
	if s.mean != nil {
		return s.mean, nil
	}
	k := partKey(partMean, s.num).u32(uint32(vector.MeanOf(s.count - 1)))
	v, ok, err := b.src.get(k)
	if err == nil && !ok {
		err = b.d.fuse.check(fmt.Errorf("no mean of space %d: %w", s.num, errValue))
	}
	if err != nil {
		return nil, err
	}
	s.mean, err = decodeMean(v, s.Dims)
	return s.mean, b.d.fuse.check(err)
}

// takeMean makes mean number due of vector.FirstMean vectors, evenly out of all there are; the
// first one gives all of them their codes.
func (b *Batch) takeMean(s *space, due int) error {
	m := vector.NewMean(s.Dims)
	var first [][]byte
	for slot := uint32(0); slot < s.count; slot += s.count / vector.FirstMean {
		encoded, ok, err := b.src.get(vectorKey(s.num, slot))
		if err == nil && !ok {
			err = fmt.Errorf("no vector %d in space %d: %w", slot, s.num, errValue)
		}
		if err == nil {
			err = m.Add(encoded)
		}
		if err != nil {
			return b.d.fuse.check(err)
		}
		if due == 0 {
			first = append(first, encoded)
		}
	}
	s.mean = m.Floats()
	b.vectors.added = append(b.vectors.added, addedVector{space: s.num, mean: s.mean})
	for slot, encoded := range first {
		b.addCode(s.num, uint32(slot), encoded, s.mean)
	}
	return b.set(partKey(partMean, s.num).u32(uint32(due)), encodeMean(s.mean))
}

func encodeMean(mean []float32) []byte {
	b := make([]byte, 0, 4*len(mean))
	for _, c := range mean {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c))
	}
	return b
}

func decodeMean(b []byte, dims int) ([]float32, error) {
	if len(b) != 4*dims {
		return nil, fmt.Errorf("mean of %d bytes for %d dimensions: %w", len(b), dims, errValue)
	}
	mean := make([]float32, dims)
	for i := range mean {
		mean[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return mean, nil
}
