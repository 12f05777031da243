package wal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// codecZstd is the only codec: a zstd frame with a content checksum.
const codecZstd = "zstd"

// archiveReader reads the segment in an archived file.
type archiveReader struct {
	f      *os.File
	z      *zstd.Decoder
	stored hash.Hash // of the compressed bytes that were read
}

// openArchived opens an archived segment. Memory is bounded by the window of the codec.
func openArchived(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &archiveReader{f: f, stored: sha256.New()}
	a.z, err = zstd.NewReader(io.TeeReader(f, a.stored), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

// Read reads uncompressed bytes; damage is an error where it is met.
func (a *archiveReader) Read(b []byte) (int, error) {
	n, err := a.z.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("uncompress: %w", err)
	}
	return n, err
}

// Close ends the reading.
func (a *archiveReader) Close() error {
	a.z.Close()
	return a.f.Close()
}

// storedSum reads the rest of the file and returns the SHA-256 of all of it.
func (a *archiveReader) storedSum() Hash {
	_, _ = io.Copy(a.stored, a.f)
	return Hash(a.stored.Sum(nil))
}

// line is the entry as sealed.jsonl would say it.
func (e *ArchiveEntry) line() *sealedLine {
	return &sealedLine{First: e.First, Last: e.Last, Bytes: e.Bytes, SHA256: e.SHA256,
		Prev: e.PrevHash, LastHash: e.LastHash, FirstTime: e.FirstTime.UnixMicro(),
		LastTime: e.LastTime.UnixMicro(), Epoch: e.Epoch, Eras: e.Eras, EndsLost: e.EndsLost}
}

// entry is the line as the manifest says it.
func (l *sealedLine) entry() ArchiveEntry {
	return ArchiveEntry{First: l.First, Last: l.Last, Bytes: l.Bytes, SHA256: l.SHA256,
		PrevHash: l.Prev, LastHash: l.LastHash, FirstTime: fromMicro(l.FirstTime),
		LastTime: fromMicro(l.LastTime), Epoch: l.Epoch, Eras: l.Eras, EndsLost: l.EndsLost,
		Codec: codecZstd}
}

// archivedName is the file name of an archived segment: its range and the start of its
// last hash, so that two segments never share one.
func archivedName(l *sealedLine) string {
	return fmt.Sprintf("%020d-%020d-%x%s", l.First, l.Last, l.LastHash[:8], archiveSuffix)
}
