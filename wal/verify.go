package wal

import (
	"context"
	"fmt"
	"path/filepath"
)

// VerifyOptions of Verify. The zero value works.
type VerifyOptions struct {
	Witnesses []Witness
	Progress  func(done, total int64) // bytes; called now and then, on the caller's goroutine
}

// Report is what Verify found.
type Report struct {
	Records  uint64 // whole records, Lost frames not counted
	FirstSeq Seq
	LastSeq  Seq
	Head     Position // the last whole record
	LogID    [16]byte
	Problems []CorruptionError // empty: the log is as it was written
	Notes    []string
	Accepted []LossAccepted // losses that were accepted in a repair
	Bytes    int64          // bytes that were read
}

// OK tells whether there is no problem; notes and accepted losses are none.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Verify reads everything, archive included: every checksum, digest and link of the
// chain, the hashes of sealed and archived files, and the witnesses. It changes nothing,
// takes no lock, and works beside a writer, whose unfinished last write it takes for a
// torn end. An error means that it could not look; damage is in the report.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Report, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Report{}, fmt.Errorf("verify log: %w", err)
	}
	if isFresh(dir) {
		return Report{}, fmt.Errorf("verify log: %w in %s", ErrNoStore, dir)
	}
	if f, err := readFormat(dir); err == nil && f.reads > Format {
		return Report{}, fmt.Errorf("verify log: %w", ErrNewerFormat)
	}
	c, err := loadCatalog(ctx, dir,
		catalogOptions{full: true, witnesses: o.Witnesses, progress: o.Progress})
	if err != nil {
		return Report{}, fmt.Errorf("verify log: %w", err)
	}
	return c.report(), nil
}

func (c *catalog) report() Report {
	r := Report{Head: c.end(), LastSeq: c.end().Seq, LogID: c.id(), Problems: c.problems,
		Notes: c.notes, Accepted: c.accepted(), Bytes: c.bytes}
	if len(c.pieces) > 0 {
		r.FirstSeq = c.pieces[0].from
	}
	for _, p := range c.pieces {
		r.Records += p.records - uint64(p.from-p.first)
	}
	return r
}
