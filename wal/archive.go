package wal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// ArchiveOptions choose the segments. With neither OlderThan nor Before, all sealed ones.
type ArchiveOptions struct {
	OlderThan time.Duration // segments whose last record is older than this
	Before    time.Time     // segments whose last record is before this
	To        string        // directory; empty: archive/ in the store
	DryRun    bool
	Progress  func(done, total int64)
}

// ArchiveReport is what Archive or ArchiveRestore moved.
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

// Archive compresses sealed segments, reads each back and compares it, writes it into the
// manifest, and only then removes it from log/. Archived segments stay part of the one
// log. It refuses while the log has damage.
func Archive(ctx context.Context, l *Log, o ArchiveOptions) (ArchiveReport, error) {
	var report ArchiveReport
	if damage := l.Health().Damage; len(damage) > 0 {
		return report, fmt.Errorf("archive: the log is damaged; %s: %w", repairHint, &damage[0])
	}
	a := &archiving{l: l, to: o.To}
	if a.to == "" {
		a.to = filepath.Join(l.dir, archiveDir)
	}
	var err error
	if a.to, err = filepath.Abs(a.to); err != nil {
		return report, fmt.Errorf("archive: %w", err)
	}
	chosen := l.sealedBefore(o)
	var done, total int64
	for _, p := range chosen {
		total += p.file.size
	}
	for _, p := range chosen {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("archive: %w", err)
		}
		report.BytesBefore += p.file.size
		if !o.DryRun {
			e, err := a.move(ctx, p)
			if err != nil {
				return report, fmt.Errorf("archive %s: %w", p.file.name, err)
			}
			report.BytesAfter += e.StoredBytes
		}
		report.Segments = append(report.Segments, p.segment())
		done += p.file.size
		if o.Progress != nil {
			o.Progress(done, total)
		}
	}
	return report, nil
}

// sealedBefore lists the sealed segments that the options choose, oldest first. It stops
// at the first that is too young, so that the archive has no gaps.
func (l *Log) sealedBefore(o ArchiveOptions) []piece {
	limit := o.Before
	if o.OlderThan > 0 {
		if t := l.o.Now().Add(-o.OlderThan); limit.IsZero() || t.Before(limit) {
			limit = t
		}
	}
	var all []piece
	for _, p := range l.view.Load().pieces {
		if p.file.archived {
			continue
		}
		if p.file.line == nil || !limit.IsZero() && !fromMicro(p.lastTime).Before(limit) {
			break
		}
		all = append(all, p)
	}
	return all
}

// archiving is one run of Archive.
type archiving struct {
	l  *Log
	to string
}

// move archives one segment.
func (a *archiving) move(ctx context.Context, p piece) (ArchiveEntry, error) {
	d, line := a.l.disk, p.file.line
	e, found, err := a.present(line)
	if err != nil {
		return e, err
	}
	if !found {
		if e, err = a.store(p, line); err != nil {
			return e, err
		}
		if err := addToManifest(d, a.l.dir, e); err != nil {
			return e, err
		}
	}
	// The manifest has it: readers change over, then the local copy goes.
	if err := a.l.replacePiece(ctx, p.from, archivedPiece(a.l.dir, e)); err != nil {
		return e, err
	}
	if err := d.remove(p.file.path); err != nil {
		return e, err
	}
	return e, d.syncDir(filepath.Dir(p.file.path))
}

// present looks for a copy that an earlier, interrupted or undone, archiving left.
func (a *archiving) present(line *sealedLine) (ArchiveEntry, bool, error) {
	entries, _, err := readManifest(a.l.dir)
	if err != nil {
		return ArchiveEntry{}, false, err
	}
	for _, e := range entries {
		if e.First == line.First && e.SHA256 == line.SHA256 && checkStored(&e) == nil {
			return e, true, nil
		}
	}
	return ArchiveEntry{}, false, nil
}

// store writes the compressed file under a temporary name, reads it back, and renames it.
func (a *archiving) store(p piece, line *sealedLine) (ArchiveEntry, error) {
	e := line.entry()
	e.Path = filepath.Join(a.to, archivedName(line))
	if err := mkdirSync(a.l.disk, a.to); err != nil {
		return e, err
	}
	tmp := e.Path + tmpSuffix
	f, err := a.l.disk.createOver(tmp)
	if err != nil {
		return e, err
	}
	err = compress(f, p.file)
	if err == nil {
		err = a.l.disk.sync(f)
	}
	if err = joinClose(err, f); err != nil {
		return e, err
	}
	readBack := e
	readBack.Path = tmp
	if err := measureStored(&readBack); err != nil {
		return e, fmt.Errorf("read back: %w", err)
	}
	e.StoredBytes, e.StoredSHA256 = readBack.StoredBytes, readBack.StoredSHA256
	if err := a.l.disk.rename(tmp, e.Path); err != nil {
		return e, err
	}
	return e, a.l.disk.syncDir(a.to)
}

func compress(w io.Writer, f *segFile) error {
	src, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer src.Close()
	z, err := zstd.NewWriter(w, zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, src)
	return joinClose(err, z)
}

// measureStored reads an archived file, sets its size and hash, and compares the segment
// in it with the entry.
func measureStored(e *ArchiveEntry) error {
	r, err := openArchived(e.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	if err != nil {
		return err
	}
	if n != e.Bytes || Hash(sum.Sum(nil)) != e.SHA256 {
		return errors.New("the segment is not the one that was sealed")
	}
	e.StoredSHA256 = r.(*archiveReader).storedSum()
	info, err := os.Stat(e.Path)
	if err != nil {
		return err
	}
	e.StoredBytes = info.Size()
	return nil
}

// checkStored reads an archived file and compares all of it with its entry.
func checkStored(e *ArchiveEntry) error {
	got := *e
	if err := measureStored(&got); err != nil {
		return err
	}
	if got.StoredBytes != e.StoredBytes || got.StoredSHA256 != e.StoredSHA256 {
		return errors.New("its size or SHA-256 is not the one in the manifest")
	}
	return nil
}

func archivedPiece(dir string, e ArchiveEntry) piece {
	f := &segFile{name: rel(dir, e.Path), path: e.Path, archived: true, first: e.First,
		size: e.Bytes, entry: &e}
	x := f.fromLine(e.line())
	f.extents = []*extent{x}
	return piece{x, x.first, x.last}
}

// replacePiece shows readers another file for the same records.
func (l *Log) replacePiece(ctx context.Context, from Seq, p piece) error {
	return l.onWriter(ctx, func(*writer) error {
		v := *l.view.Load()
		v.pieces = slices.Clone(v.pieces)
		for i := range v.pieces {
			if v.pieces[i].from == from && v.pieces[i].to == p.to {
				v.pieces[i] = p
				l.view.Store(&v)
				return nil
			}
		}
		return fmt.Errorf("records from %d: %w", from, ErrNotFound)
	})
}

// ArchiveList returns the archive's manifest, oldest first. Paths are absolute.
func ArchiveList(dir string) ([]ArchiveEntry, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("list archive: %w", err)
	}
	entries, _, err := readManifest(dir)
	slices.SortFunc(entries, func(a, b ArchiveEntry) int { return cmp.Compare(a.First, b.First) })
	return entries, err
}

// ArchiveVerify reads every archived file back and compares it with the manifest. It
// returns what is not as it was archived. progress, which may be nil, counts bytes.
func ArchiveVerify(ctx context.Context, dir string,
	progress func(done, total int64)) ([]CorruptionError, error) {
	entries, err := ArchiveList(dir)
	if err != nil {
		return nil, err
	}
	var done, total int64
	for _, e := range entries {
		total += e.StoredBytes
	}
	var bad []CorruptionError
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return bad, fmt.Errorf("verify archive: %w", err)
		}
		if err := checkStored(&e); err != nil {
			bad = append(bad, CorruptionError{Segment: rel(dir, e.Path), FromSeq: e.First,
				ToSeq: e.Last, Kind: KindArchive, Detail: err.Error()})
		}
		done += e.StoredBytes
		if progress != nil {
			progress(done, total)
		}
	}
	return bad, nil
}

// ArchiveRestore brings the archived segments that hold any of the records from..to (to 0:
// up to the head) back into log/ as sealed segments. The archive keeps its copies.
func ArchiveRestore(ctx context.Context, l *Log, from, to Seq) (ArchiveReport, error) {
	var report ArchiveReport
	if to == 0 {
		to = l.Head().Seq
	}
	for _, p := range l.view.Load().pieces {
		if !p.file.archived || p.to < from || p.from > to {
			continue
		}
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("restore from archive: %w", err)
		}
		q, err := l.restorePiece(p)
		if err == nil {
			err = l.replacePiece(ctx, p.from, q)
		}
		if err != nil {
			return report, fmt.Errorf("restore %s: %w", p.file.name, err)
		}
		report.Segments = append(report.Segments, q.segment())
		report.BytesBefore += p.file.entry.StoredBytes
		report.BytesAfter += q.file.size
	}
	return report, nil
}

// restorePiece uncompresses one segment into log/. What is there under a temporary name is
// compared before it gets its own.
func (l *Log) restorePiece(p piece) (piece, error) {
	e := p.file.entry
	path := segmentPath(l.dir, e.First)
	r, err := openArchived(e.Path)
	if err != nil {
		return piece{}, err
	}
	defer r.Close()
	f, err := l.disk.createOver(path + tmpSuffix)
	if err != nil {
		return piece{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err == nil && (n != e.Bytes || Hash(sum.Sum(nil)) != e.SHA256) {
		err = errors.New("the segment in it is not the one that was sealed")
	}
	if err == nil {
		err = l.disk.sync(f)
	}
	if err = joinClose(err, f); err != nil {
		return piece{}, err
	}
	if err := l.disk.rename(path+tmpSuffix, path); err != nil {
		return piece{}, err
	}
	if err := l.disk.syncDir(filepath.Dir(path)); err != nil {
		return piece{}, err
	}
	line := e.line()
	s := &segFile{name: rel(l.dir, path), path: path, first: e.First, size: e.Bytes, line: line}
	x := s.fromLine(line)
	s.extents = []*extent{x}
	return piece{x, x.first, x.last}, nil
}
