package wal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

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

// readManifest reads the manifest. Paths are made absolute; of several lines for the same
// first record the last counts.
func readManifest(dir string) (entries []ArchiveEntry, bad int, err error) {
	all, bad, err := readLines[ArchiveEntry](filepath.Join(dir, archiveDir, manifestName))
	if err != nil {
		return nil, 0, err
	}
	at := map[Seq]int{}
	for _, e := range all {
		if !filepath.IsAbs(e.Path) {
			e.Path = filepath.Join(dir, archiveDir, e.Path)
		}
		if i, ok := at[e.First]; ok {
			entries[i] = e
			continue
		}
		at[e.First] = len(entries)
		entries = append(entries, e)
	}
	return entries, bad, nil
}

// archivedName is the file name of an archived segment: its range and the start of its
// last hash, so that two segments never share one.
func archivedName(l *sealedLine) string {
	return fmt.Sprintf("%020d-%020d-%x%s", l.First, l.Last, l.LastHash[:8], archiveSuffix)
}

// writeManifest makes the manifest say what the given, verified, files hold.
func writeManifest(d *disk, dir string, files []*segFile) error {
	var lines []ArchiveEntry
	for _, f := range files {
		var e ArchiveEntry
		switch {
		case f.entry != nil:
			e = *f.entry
		case f.walked && len(f.gaps) == 0 && len(f.extents) == 1:
			line := f.toLine()
			e = line.entry()
			e.Path, e.StoredSHA256 = f.path, f.stored
			if info, err := os.Stat(f.path); err == nil {
				e.StoredBytes = info.Size()
			}
		default:
			continue
		}
		if r, err := filepath.Rel(filepath.Join(dir, archiveDir), e.Path); err == nil &&
			filepath.IsLocal(r) {
			e.Path = r
		}
		lines = append(lines, e)
	}
	return writeLines(d, filepath.Join(dir, archiveDir, manifestName), lines)
}
