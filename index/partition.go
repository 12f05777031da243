package index

import (
	"encoding/binary"
	"fmt"

	"memlog/index/vector"
)

// partition puts the newest vector of a space into a partition, and makes new partitions where they
// are due; the first ones take in all vectors there are, which takes some seconds.
func (b *Batch) partition(s *space, slot uint32, encoded []byte) error {
	if slot >= vector.FirstPartition {
		c, err := b.centroids(s)
		if err != nil {
			return err
		}
		b.addParts(s.num, slot, []uint16{c.Nearest(encoded)})
	}
	epoch, due := vector.PartitionDue(s.count)
	if !due {
		return nil
	}
	if err := b.trainPartitions(s, epoch); err != nil || epoch > 0 {
		return err
	}
	return b.partitionAll(s)
}

func (b *Batch) addParts(n, slot uint32, parts []uint16) {
	for i, p := range parts {
		b.appendPart(partPartition, n, slot+uint32(i), binary.BigEndian.AppendUint16(nil, p))
	}
	b.vectors.added = append(b.vectors.added, addedVector{space: n, parts: parts})
}

// centroids returns those of the partitions that new vectors of a space are put in.
func (b *Batch) centroids(s *space) (vector.Centroids, error) {
	if s.centroids != nil {
		return s.centroids, nil
	}
	k := partKey(partEpoch, s.num).u32(uint32(vector.EpochOf(s.count - 1)))
	v, ok, err := b.src.get(k)
	if err == nil && !ok {
		err = fmt.Errorf("no partitions of space %d: %w", s.num, errValue)
	}
	if err == nil {
		s.centroids, err = decodeCentroids(v, s.Dims)
	}
	return s.centroids, b.d.fuse.check(err)
}

func decodeCentroids(v []byte, dims int) (vector.Centroids, error) {
	c, err := vector.ParseCentroids(v, dims)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errValue, err)
	}
	return c, nil
}

func (b *Batch) trainPartitions(s *space, epoch int) error {
	partitions, step := vector.PartitionSample(s.count)
	var sample [][]byte
	for slot := uint32(0); slot < s.count; slot += step {
		encoded, ok, err := b.src.get(vectorKey(s.num, slot))
		if err == nil && !ok {
			err = fmt.Errorf("no vector %d in space %d: %w", slot, s.num, errValue)
		}
		if err != nil {
			return b.d.fuse.check(err)
		}
		sample = append(sample, encoded)
	}
	s.centroids = vector.Train(sample, partitions)
	b.vectors.added = append(b.vectors.added, addedVector{space: s.num, centroids: s.centroids})
	return b.set(partKey(partEpoch, s.num).u32(uint32(epoch)), s.centroids.Append(nil))
}

// partitionAll gives all vectors there are their first partition.
func (b *Batch) partitionAll(s *space) error {
	const some = 1 << 14
	slot, read := uint32(0), make([][]byte, 0, some)
	flush := func() {
		b.addParts(s.num, slot, s.centroids.NearestAll(read))
		slot, read = slot+uint32(len(read)), read[:0]
	}
	upper := vectorKey(s.num, s.count)
	err := b.src.scanRange(vectorKey(s.num, 0), upper, func(_, v []byte) (bool, error) {
		if len(v) != s.Dims+vector.HeadBytes {
			return false, errValue
		}
		if read = append(read, append([]byte(nil), v...)); len(read) == some {
			flush()
		}
		return true, nil
	})
	flush()
	if err == nil && slot != s.count {
		err = fmt.Errorf("%d vectors in space %d, not %d: %w", slot, s.num, s.count, errValue)
	}
	return b.d.fuse.check(err)
}

// loadPartitions reads the partitions of a space into its slab, once the codes are there.
func loadPartitions(s source, sp space, slab *vector.Slab) error {
	err := s.scan(partKey(partEpoch, sp.num), func(_, v []byte) (bool, error) {
		c, err := decodeCentroids(v, sp.Dims)
		slab.AddPartitions(c, nil)
		return true, err
	})
	if err != nil {
		return err
	}
	count, parts := uint32(0), make([]uint16, 0, 1<<slotBlockShift)
	err = s.scan(partKey(partPartition, sp.num), func(_, v []byte) (bool, error) {
		parts = parts[:0]
		for ; len(v) >= 2 && count < sp.count; v = v[2:] {
			parts, count = append(parts, binary.BigEndian.Uint16(v)), count+1
		}
		slab.AddPartitions(nil, parts)
		return true, wholeRecords(v)
	})
	if want := sp.count; err == nil && want >= vector.FirstPartition && count != want {
		err = fmt.Errorf("%d partitions in space %d, not %d: %w", count, sp.num, want, errValue)
	}
	return s.fuse.check(err)
}
