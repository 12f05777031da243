package index

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"memlog/index/vector"
)

// loadWorkers bounds the goroutines that read a space into memory.
const loadWorkers = 4

// loadSlab reads what searches need of a space into memory: rows, and some codes at a time, at the
// same time.
func loadSlab(s source, sp space, partitions bool) (*vector.Slab, error) {
	slab := vector.NewSlab(sp.Dims)
	slab.Grow(sp.count)
	work := []func() error{
		func() error { return loadSlots(s, sp, slab) },
		func() error { return loadMeans(s, sp, slab) },
	}
	if sp.count >= vector.FirstMean {
		for from := uint32(0); from < sp.count; from += codesAtOnce {
			work = append(work, func() error { return loadCodes(s, sp, slab, from) })
		}
	}
	workers := min(loadWorkers, runtime.GOMAXPROCS(0))
	if s.batch != nil {
		workers = 1 // a batch is for one goroutine
	}
	err := doAll(work, workers)
	if err == nil && partitions {
		err = loadPartitions(s, sp, slab)
	}
	if err != nil {
		return nil, err
	}
	err = s.scan(newKey(keyClosed), func(k, v []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: v}
		slab.End(f.u32(), g.u64())
		return true, f.done("ended row")
	})
	slab.Publish()
	return slab, err
}

// doAll does all work, by so many goroutines, and returns the first error of the work in its order.
func doAll(work []func() error, workers int) error {
	errs := make([]error, len(work))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(work)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(work)); i = next.Add(1) - 1 {
				errs[i] = work[i]()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// loadSlots reads the rows and arrivals of all vectors, and the vectors themselves where there are
// no codes yet.
func loadSlots(s source, sp space, slab *vector.Slab) error {
	var first [][]byte
	if sp.count < vector.FirstMean {
		var err error
		if first, err = firstVectors(s, sp); err != nil {
			return err
		}
	}
	slot := uint32(0)
	err := s.scan(partKey(partSlot, sp.num), func(_, v []byte) (bool, error) {
		for ; len(v) >= slotRecordSize && slot < sp.count; v = v[slotRecordSize:] {
			var encoded []byte
			if slot < uint32(len(first)) {
				encoded = first[slot]
			}
			slab.Add(binary.BigEndian.Uint32(v), binary.BigEndian.Uint64(v[4:]), encoded)
			slot++
		}
		return true, wholeRecords(v)
	})
	whole := sp.count >= vector.FirstMean || len(first) == int(slot)
	if err == nil && (slot != sp.count || !whole) {
		err = s.fuse.check(fmt.Errorf("%d vectors in space %d, not %d: %w", slot, sp.num, sp.count,
			errValue))
	}
	return err
}

// wholeRecords is an error where something is left of a value of records.
func wholeRecords(left []byte) error {
	if len(left) > 0 {
		return errValue
	}
	return nil
}

func firstVectors(s source, sp space) ([][]byte, error) {
	var first [][]byte
	upper := vectorKey(sp.num, vector.FirstMean)
	err := s.scanRange(vectorKey(sp.num, 0), upper, func(_, v []byte) (bool, error) {
		if err := vector.Validate(v); err != nil {
			return false, fmt.Errorf("%w: %w", errValue, err)
		}
		first = append(first, append([]byte(nil), v...))
		return true, nil
	})
	return first, err
}

func loadMeans(s source, sp space, slab *vector.Slab) error {
	return s.scan(partKey(partMean, sp.num), func(_, v []byte) (bool, error) {
		mean, err := decodeMean(v, sp.Dims)
		slab.AddMean(mean)
		return true, err
	})
}

// codesAtOnce is of how many slots one goroutine reads the codes at a time.
const codesAtOnce = 4 * vector.CodesTogether

// loadCodes reads the codes of codesAtOnce slots, or as many as there are.
func loadCodes(s source, sp space, slab *vector.Slab, from uint32) error {
	slot, to, size := from, min(from+codesAtOnce, sp.count), vector.CodeBytes(sp.Dims)
	upper := partKey(partCode, sp.num).upper()
	if to < sp.count {
		upper = partKey(partCode, sp.num).u32(to >> slotBlockShift)
	}
	lower := partKey(partCode, sp.num).u32(from >> slotBlockShift)
	err := s.scanRange(lower, upper, func(_, v []byte) (bool, error) {
		n := min(len(v)/size, int(to-slot))
		slab.SetCodes(slot, v[:n*size])
		slot += uint32(n)
		return true, wholeRecords(v[n*size:])
	})
	if err == nil && slot != to {
		err = s.fuse.check(fmt.Errorf("%d codes from %d on in space %d, not %d: %w", slot-from, from,
			sp.num, to-from, errValue))
	}
	return err
}

// partitioned reports whether searches of a space need its partitions in memory.
func (d *DB) partitioned(sp space) bool {
	return d.o.Partitions || sp.count >= PartitionedFrom
}

// publishVectors shows the slabs in memory what a batch added. One that partitions are to be used
// of from now on is forgotten, to be read anew.
func (b *Batch) publishVectors(slabs map[uint32]*vector.Slab) {
	for n, sp := range b.vectors.spaces {
		if b.d.partitioned(sp) && n < len(b.d.spaces) && !b.d.partitioned(b.d.spaces[n]) {
			delete(slabs, uint32(n))
		}
	}
	for _, a := range b.vectors.added {
		slab := slabs[a.space]
		switch {
		case slab == nil:
		case a.code != nil:
			slab.AddCode(a.code)
		case a.mean != nil:
			slab.AddMean(a.mean)
		case a.centroids != nil || a.parts != nil:
			if b.d.partitioned(b.vectors.spaces[a.space]) {
				slab.AddPartitions(a.centroids, a.parts)
			}
		default:
			slab.Add(uint32(a.row), a.seq, a.encoded)
		}
	}
	for _, slab := range slabs {
		for _, e := range b.ends {
			slab.End(uint32(e.row), e.to)
		}
		slab.Publish()
	}
}

// slab returns the slab of a space that serves this view, nil where the space has no vectors.
func (v *View) slab(want Space) (*vector.Slab, space, error) {
	if err, _ := v.src.fuse.state(); err != nil {
		return nil, space{}, err
	}
	if v.batch != nil && v.batch.changed {
		// What is not committed is in no shared slab.
		if err := v.batch.flushVectors(); err != nil {
			return nil, space{}, err
		}
		sp, ok := pickSpace(v.batch.vectors.spaces, want)
		if !ok {
			return nil, space{}, nil
		}
		slab, err := loadSlab(v.src, sp, v.d.partitioned(sp))
		return slab, sp, err
	}
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	sp, ok := pickSpace(v.d.spaces, want)
	if !ok {
		return nil, space{}, nil
	}
	if slab := v.d.slabs[sp.num]; slab != nil {
		return slab, sp, nil
	}
	if v.d.closed {
		return nil, space{}, ErrClosed
	}
	// With mu held nothing is committed: the slab is all that is there.
	slab, err := loadSlab(v.d.source(), sp, v.d.partitioned(sp))
	if err != nil {
		return nil, space{}, err
	}
	if v.d.slabs == nil {
		v.d.slabs = map[uint32]*vector.Slab{}
	}
	v.d.slabs[sp.num] = slab
	return slab, sp, nil
}

func pickSpace(spaces []space, want Space) (space, bool) {
	for _, s := range spaces {
		if s.Space == want {
			return s, true
		}
	}
	return space{}, false
}
