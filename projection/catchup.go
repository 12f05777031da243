package projection

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"memlog/wal"
)

// Bounds of one batch of Catchup.
const (
	MaxBatchRecords = 1000
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
	for rec, err := range log.Records(from, to) {
		if err := c.step(ctx, rec, err); err != nil {
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
	report   Report
	progress func(done, total uint64)
	total    uint64
	read     []wal.Record // not applied yet, at most prepareEvents
	records  int          // in the open batch, and read
	bytes    int
}

func (c *catchup) step(ctx context.Context, rec wal.Record, err error) error {
	var damage *wal.CorruptionError
	switch {
	case errors.As(err, &damage):
		c.report.Damaged = append(c.report.Damaged, damage)
		return nil
	case err != nil:
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.read = append(c.read, rec)
	c.records++
	for _, e := range rec.Events {
		c.bytes += len(e)
	}
	if c.records >= MaxBatchRecords || c.bytes >= MaxBatchBytes {
		return c.commit()
	}
	if len(c.read) == prepareEvents || len(rec.Events) > 1 {
		return c.apply()
	}
	return nil
}

// apply applies the records that were read: those of one event, of which most logs consist, are
// prepared together.
func (c *catchup) apply() error {
	var first [][]byte
	for _, rec := range c.read {
		if len(rec.Events) == 1 {
			first = append(first, rec.Events[0])
		}
	}
	ready := c.p.prepare(first)
	for _, rec := range c.read {
		var err error
		if len(rec.Events) == 1 {
			err = c.p.apply(rec, slices.Values(ready[:1]))
			ready = ready[1:]
		} else {
			err = c.p.Apply(rec)
		}
		if err != nil {
			return err
		}
		c.report.Applied++
		if rec.Lost {
			c.report.Lost++
		}
	}
	clear(c.read)
	c.read = c.read[:0]
	return nil
}

func (c *catchup) commit() error {
	if c.records == 0 {
		return nil
	}
	if err := c.apply(); err != nil {
		return err
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
