package wal

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Fork makes, in the directory into, a log of its own that holds the records of l up to until (0:
// the head): the same numbers, times, requests, provenance and events. Only record 1 differs: it
// is a Forked mark that names l, the last record copied and the new log's id, and so every chain
// hash is new. What was lost in l stays a Lost frame. It refuses with a *CorruptionError where a
// record cannot be read. The log appears whole or not at all; Open makes the rest of the store.
func Fork(ctx context.Context, l *Log, until Seq, into string,
	progress func(done, total int64)) (id [16]byte, err error) {
	if until == 0 {
		until = l.Head().Seq
	}
	last, err := l.Read(until)
	if err != nil {
		return id, fmt.Errorf("fork log: %w", err)
	}
	if first := l.First(); first != 1 {
		return id, fmt.Errorf("fork log: its first record is %d: %w", first, ErrNotFound)
	}
	mark := &Forked{From: l.ID(), Position: last.Position(), LogID: l.o.NewID()}
	tmp := filepath.Join(into, logDir+tmpSuffix)
	if err := os.MkdirAll(tmp, dirPerm); err != nil {
		return id, fmt.Errorf("fork log: %w", err)
	}
	c := &copying{dir: tmp, disk: l.disk, size: l.o.SegmentSize, after: map[Range]Hash{}}
	defer c.abandon()
	for r, err := range l.Records(1, until) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = c.record(r, mark)
		}
		if err != nil {
			return id, fmt.Errorf("fork log: %w", err)
		}
		if progress != nil && r.Seq%1000 == 0 {
			progress(int64(r.Seq), int64(until))
		}
	}
	if err := c.finish(last); err != nil {
		return id, fmt.Errorf("fork log: %w", err)
	}
	if err := l.disk.rename(tmp, filepath.Join(into, logDir)); err != nil {
		return id, fmt.Errorf("fork log: %w", err)
	}
	return mark.LogID, l.disk.syncDir(into)
}

// copying writes records as the segments of a new log.
type copying struct {
	dir  string
	disk *disk
	size int64

	f       *os.File
	w       *bufio.Writer
	written int64
	last    header
	prev    Hash
	lost    []header       // Lost frames, one after the other, that are not written yet
	after   map[Range]Hash // Lost frames that nothing accepts yet: what the next record names
}

// record writes one record with its place in the new chain. Record 1 becomes the mark.
func (c *copying) record(r Record, fork *Forked) error {
	h := header{seq: r.Seq, epoch: r.Epoch, time: r.Time.UnixMicro(), wall: r.Wall.UnixMicro(),
		requestID: r.RequestID, groupID: r.GroupID, provenance: r.Provenance, mark: r.Mark}
	if r.Seq == 1 { // also where it is lost: the place says whose log this is
		h.mark = &Mark{Forked: fork}
	}
	if r.Lost {
		c.lost = append(c.lost, h)
		return nil
	}
	if err := c.writeLost(c.after); err != nil {
		return err
	}
	if m := r.Mark; m != nil && m.LossAccepted != nil {
		accepted := *m.LossAccepted
		place := Range{accepted.From, accepted.To}
		if after, ok := c.after[place]; ok {
			accepted.After = after
			delete(c.after, place)
		}
		h.mark = &Mark{LossAccepted: &accepted}
	}
	body, digests, flags := sealAgain(r)
	h.digests = digests
	return c.write(h, flags, body)
}

// writeLost writes the Lost frames that wait, with the whole stretch in each, and notes it.
func (c *copying) writeLost(note map[Range]Hash) error {
	if len(c.lost) == 0 {
		return nil
	}
	place := Range{c.lost[0].seq, c.lost[len(c.lost)-1].seq}
	for _, h := range c.lost {
		h.lost = &place
		if err := c.write(h, flagLost, nil); err != nil {
			return err
		}
	}
	c.lost = c.lost[:0]
	note[place] = c.prev
	return nil
}

// sealAgain makes the body of a record anew, with fresh salts. Destroyed events keep their digest
// and nothing else.
func sealAgain(r Record) (body []byte, digests []Hash, flags byte) {
	for i, e := range r.Events {
		if e == nil {
			body, digests, flags = append(body, 0), append(digests, r.Digests[i]), flagPurged
			continue
		}
		body = binary.AppendUvarint(body, uint64(len(e)))
		at := len(body)
		body = append(body, make([]byte, saltSize)...)
		_, _ = rand.Read(body[at:]) // never fails: it ends the program where there is no randomness
		body = append(body, e...)
		digests = append(digests, sha256.Sum256(body[at:]))
	}
	return body, digests, flags
}

// write appends a frame and begins a new segment where the present one is full.
func (c *copying) write(h header, flags byte, body []byte) error {
	if c.f == nil || c.written >= c.size {
		if err := c.next(h.seq); err != nil {
			return err
		}
	}
	h.prev = c.prev
	raw := h.encode()
	b := appendFrame(nil, flags, raw, body)
	c.written += int64(len(b))
	c.last, c.prev = h, sha256.Sum256(raw)
	_, err := c.w.Write(b)
	return err
}

// next makes the present segment durable and begins the one of record first.
func (c *copying) next(first Seq) error {
	if err := c.end(); err != nil {
		return err
	}
	f, err := c.disk.createOver(filepath.Join(c.dir, segmentName(first)))
	if err != nil {
		return err
	}
	c.f, c.written = f, 0
	c.w = bufio.NewWriterSize(writerAt{c.disk, f, new(int64)}, scanChunk)
	return nil
}

func (c *copying) end() error {
	if c.f == nil {
		return nil
	}
	err := c.w.Flush()
	if err == nil {
		err = c.disk.sync(c.f)
	}
	if cerr := c.f.Close(); err == nil {
		err = cerr
	}
	c.f = nil
	return err
}

// abandon closes the segment that a failure left open; what it holds is of no use. On Windows it
// could not be removed else.
func (c *copying) abandon() {
	if c.f != nil {
		_ = c.f.Close()
		c.f = nil
	}
}

// finish accepts the losses whose acceptance came after the last record, and ends the log.
func (c *copying) finish(last Record) error {
	if err := c.writeLost(c.after); err != nil {
		return err
	}
	places := slices.Collect(maps.Keys(c.after))
	slices.SortFunc(places, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	for _, p := range places {
		h := header{seq: c.last.seq + 1, epoch: c.last.epoch, time: c.last.time + 1,
			wall: last.Wall.UnixMicro(),
			mark: &Mark{LossAccepted: &LossAccepted{From: p.From, To: p.To, After: c.after[p]}}}
		if err := c.write(h, 0, nil); err != nil {
			return err
		}
	}
	if err := c.end(); err != nil {
		return err
	}
	return c.disk.syncDir(c.dir)
}

// writerAt writes a file forward through the disk's functions.
type writerAt struct {
	disk *disk
	f    *os.File
	off  *int64
}

var _ io.Writer = writerAt{}

// Write appends b.
func (w writerAt) Write(b []byte) (int, error) {
	n, err := w.disk.writeAt(w.f, b, *w.off)
	*w.off += int64(n)
	return n, err
}
