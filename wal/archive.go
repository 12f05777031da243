package wal

import (
	"context"
	"errors"
	"time"
)

// ArchiveOptions choose the segments. With neither OlderThan nor Before, all sealed ones.
type ArchiveOptions struct {
	OlderThan time.Duration // segments whose last record is older than this
	Before    time.Time     // segments whose last record is before this
	To        string        // directory; empty: archive/ in the store
	DryRun    bool
	Progress  func(done, total int64)
}

// ArchiveReport is what Archive moved.
type ArchiveReport struct {
	Segments    []Segment
	BytesBefore int64
	BytesAfter  int64
}

// ArchiveEntry is what the manifest says of one archived segment.
type ArchiveEntry struct {
	First        Seq       `json:"first"`
	Last         Seq       `json:"last"`
	FirstTime    time.Time `json:"first_time"`
	LastTime     time.Time `json:"last_time"`
	Bytes        int64     `json:"bytes"`  // of the segment
	SHA256       Hash      `json:"sha256"` // of the segment
	PrevHash     Hash      `json:"prev"`   // chain hash of the record before the first
	LastHash     Hash      `json:"last_hash"`
	Epoch        uint64    `json:"epoch"`
	Eras         []era     `json:"eras,omitempty"`
	EndsLost     bool      `json:"ends_lost,omitempty"`
	StoredBytes  int64     `json:"stored_bytes"`  // of the file
	StoredSHA256 Hash      `json:"stored_sha256"` // of the file
	Codec        string    `json:"codec"`         // "zstd"
	Path         string    `json:"path"`          // in the manifest relative to archive/, or absolute
}

// Archive compresses sealed segments, reads them back, and moves them out of log/.
func Archive(ctx context.Context, l *Log, o ArchiveOptions) (ArchiveReport, error) {
	return ArchiveReport{}, errors.ErrUnsupported
}

// ArchiveList returns the archive's manifest, oldest first.
func ArchiveList(dir string) ([]ArchiveEntry, error) { return nil, errors.ErrUnsupported }

// ArchiveVerify reads every archived file back.
func ArchiveVerify(ctx context.Context, dir string,
	progress func(done, total int64)) ([]CorruptionError, error) {
	return nil, errors.ErrUnsupported
}

// ArchiveRestore brings archived segments back into log/ as sealed segments.
func ArchiveRestore(ctx context.Context, l *Log, from, to Seq) (ArchiveReport, error) {
	return ArchiveReport{}, errors.ErrUnsupported
}
