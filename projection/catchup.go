package projection

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"memlog/wal"
)

// Bounds of one batch of Catchup.
const (
	MaxBatchRecords = 5000
	MaxBatchBytes   = 1 << 20 // of events
)

// Records is the part of *wal.Log that Catchup reads.
type Records interface {
	Records(from, to wal.Seq) iter.Seq2[wal.Record, error]
}

// Report says what Catchup did.
type Report struct {
	Applied uint64                 // records, Lost ones included
	Lost    uint64                 // places of records that were given up
	Damaged []*wal.CorruptionError // stretches of the log that could not be read; passed over
}

// Catchup applies the records behind the index's checkpoint up to the record to (0: all there
// are), in bounded batches, and commits them. Damage in the log is reported and passed over. Where
// ctx ends, what was committed stays and the next call goes on there. progress, where given, is
// called after each batch; total is 0 where to is.
func (p *Projector) Catchup(ctx context.Context, log Records, to wal.Seq,
	progress func(done, total uint64)) (Report, error) {
	p.Abort()
	p.err = nil
	c := catchup{p: p, progress: progress}
	from := wal.Seq(p.db.Checkpoint().Seq) + 1
	if to != 0 && to < from {
		return c.report, nil
	}
	if to != 0 {
		c.total = uint64(to-from) + 1
	}
	c.ahead = readAhead(log.Records(from, to), p.texts)
	defer c.ahead.close()
	for {
		next, ok := c.ahead.next()
		if !ok {
			break
		}
		if err := c.step(ctx, next); err != nil {
			p.Abort()
			return c.report, fmt.Errorf("catch up from record %d: %w", from, err)
		}
	}
	if err := c.commit(); err != nil {
		p.Abort()
		return c.report, err
	}
	return c.report, nil
}

type catchup struct {
	p        *Projector
	ahead    *ahead
	report   Report
	progress func(done, total uint64)
	total    uint64
	records  int // in the open batch
	bytes    int
}

// step applies the record that begins with a part, or notes what is in its place.
func (c *catchup) step(ctx context.Context, first part) error {
	var damage *wal.CorruptionError
	switch {
	case errors.As(first.err, &damage):
		c.report.Damaged = append(c.report.Damaged, damage)
		return nil
	case first.err != nil:
		return first.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	now := first
	err := c.p.apply(first.rec, func(yield func(prepared) bool) {
		for _, e := range now.ready {
			if !yield(e) {
				return
			}
		}
		for now.more {
			now, _ = c.ahead.next()
			for _, e := range now.ready {
				if !yield(e) {
					return
				}
			}
		}
	})
	if err != nil {
		return err
	}
	for now.more { // of a record that is in the index already
		now, _ = c.ahead.next()
	}
	c.report.Applied++
	if first.rec.Lost {
		c.report.Lost++
	}
	c.records++
	for _, e := range first.rec.Events {
		c.bytes += len(e)
	}
	if c.records >= MaxBatchRecords || c.bytes >= MaxBatchBytes {
		return c.commit()
	}
	return nil
}

func (c *catchup) commit() error {
	if c.records == 0 {
		return nil
	}
	c.records, c.bytes = 0, 0
	if err := c.p.Commit(); err != nil {
		return err
	}
	if c.progress != nil {
		c.progress(c.report.Applied, c.total)
	}
	return nil
}
