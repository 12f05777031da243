package wal

import (
	"context"
	"errors"
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

// Verify reads everything, archive included, and changes nothing.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
