package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/wal"
)

// ErrNoSnapshot: no snapshot has that name.
var ErrNoSnapshot = errors.New("no such snapshot")

// snapshotTime is how a snapshot's name says when it was made, in UTC.
const snapshotTime = "20060102T150405Z"

// tempSnapshot is the pattern of directories in which snapshots are made.
const tempSnapshot = ".tmp-*"

// SnapshotInfo describes one snapshot.
type SnapshotInfo struct {
	Name   string // <seq>-<time made>, its directory in snapshots/
	Path   string
	Seq    wal.Seq
	Time   time.Time // recorded time of record Seq
	Made   time.Time
	Bytes  int64
	OK     bool   // its files are there in full size; Verify with Deep reads them
	Reason string // why it is not OK

	cp index.Checkpoint
}

// Snapshot makes a full copy of the index as it is. Commits wait a few milliseconds. A kill leaves
// nothing, or a whole one. Where the index lacks records that are damaged in the log it refuses
// with ErrDamaged: a copy would outlive the repair.
func (e *Engine) Snapshot(ctx context.Context) (SnapshotInfo, error) {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	info, err := e.snapshot(ctx)
	if err != nil {
		return SnapshotInfo{}, fmt.Errorf("make snapshot: %w", err)
	}
	return info, nil
}

func (e *Engine) snapshot(ctx context.Context) (SnapshotInfo, error) {
	switch {
	case e.readOnly:
		return SnapshotInfo{}, e.Log.Writable()
	case isStale(e.indexDir):
		return SnapshotInfo{}, fmt.Errorf("%w: the index does not hold what the log should; "+
			"run `memlog repair`", ErrDamaged)
	case ctx.Err() != nil:
		return SnapshotInfo{}, ctx.Err()
	}
	if err := os.MkdirAll(e.snapshots(), dirPerm); err != nil {
		return SnapshotInfo{}, err
	}
	if e.temp == "" { // else a restore failed, and an index in one of them is served
		if err := removeAll(filepath.Join(e.snapshots(), tempSnapshot)); err != nil {
			return SnapshotInfo{}, err // of a run that was killed: we are the only one
		}
	}
	tmp, err := os.MkdirTemp(e.snapshots(), tempSnapshot)
	if err != nil {
		return SnapshotInfo{}, err
	}
	var m index.Manifest
	err = e.readOnce(func(db *index.DB) (err error) {
		m, err = db.Snapshot(filepath.Join(tmp, indexName))
		return err
	})
	name := fmt.Sprintf("%020d-%s", m.Checkpoint.Seq, e.o.Now().UTC().Format(snapshotTime))
	path := filepath.Join(e.snapshots(), name)
	if err == nil {
		e.o.after(stepCopied)
		err = rename(filepath.Join(tmp, indexName), path)
	}
	if err = errors.Join(err, robustio.RemoveAll(tmp)); err != nil {
		return SnapshotInfo{}, err
	}
	e.o.after(stepNamed)
	return describe(e.snapshots(), name), nil
}

// rename puts a whole snapshot in its place. One of the same record and second is the same.
func rename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		_, err := index.VerifySnapshot(to)
		return err
	}
	if err := robustio.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// Snapshots lists the snapshots of the store in dir, oldest first. One that is damaged is listed
// with OK false. It reads manifests and sizes only, and takes no lock.
func Snapshots(dir string) ([]SnapshotInfo, error) {
	root := filepath.Join(dir, snapshotsName)
	all, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var list []SnapshotInfo
	for _, d := range all {
		if !strings.HasPrefix(d.Name(), ".") {
			list = append(list, describe(root, d.Name()))
		}
	}
	slices.SortStableFunc(list, func(a, b SnapshotInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func describe(root, name string) SnapshotInfo {
	s := SnapshotInfo{Name: name, Path: filepath.Join(root, name)}
	seq, made, _ := strings.Cut(name, "-")
	n, err := strconv.ParseUint(seq, 10, 64)
	if err == nil {
		s.Seq = wal.Seq(n)
		s.Made, err = time.Parse(snapshotTime, made)
	}
	if err != nil {
		s.Reason = "the name is not that of a snapshot"
		return s
	}
	s.Bytes, _ = treeBytes(s.Path) // what cannot be read is found below
	m, err := index.ReadManifest(s.Path)
	switch {
	case err != nil:
		s.Reason = err.Error()
		return s
	case wal.Seq(m.Checkpoint.Seq) != s.Seq:
		s.Reason = fmt.Sprintf("the name says record %d and the manifest %d", n, m.Checkpoint.Seq)
		return s
	}
	s.cp, s.Time = m.Checkpoint, time.UnixMicro(m.Checkpoint.Time).UTC()
	s.Reason = sizes(s.Path, m)
	s.OK = s.Reason == ""
	return s
}

// sizes compares the sizes of a snapshot's files with its manifest, and names what differs.
func sizes(path string, m index.Manifest) string {
	have := map[string]int64{}
	_ = filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil // a file that is missing from the map is named below
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			have[d.Name()] = info.Size()
		}
		return nil
	})
	for _, f := range m.Files {
		size, ok := have[f.Name]
		switch {
		case !ok:
			return fmt.Sprintf("file %s is missing", f.Name)
		case size != f.Size:
			return fmt.Sprintf("file %s has %d bytes and should have %d", f.Name, size, f.Size)
		}
	}
	return ""
}

// PruneSnapshots removes all but the newest keep whole snapshots, the damaged ones with them, and
// returns what it removed, or would remove. A kill leaves no half snapshot.
func PruneSnapshots(dir string, keep int, dryRun bool) ([]SnapshotInfo, error) {
	if keep < 0 {
		return nil, fmt.Errorf("prune snapshots: cannot keep %d", keep)
	}
	list, err := Snapshots(dir)
	if err != nil {
		return nil, err
	}
	var gone []SnapshotInfo
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].OK && keep > 0 {
			keep--
			continue
		}
		gone = append(gone, list[i])
	}
	slices.Reverse(gone)
	if dryRun {
		return gone, nil
	}
	return gone, removeSnapshots(filepath.Join(dir, snapshotsName), gone)
}

// removeSnapshots renames first, so that a snapshot is there whole or not at all, and removes what
// an earlier run that was killed left behind.
func removeSnapshots(root string, gone []SnapshotInfo) error {
	for _, s := range gone {
		if err := robustio.Rename(s.Path, filepath.Join(root, ".gone-"+s.Name)); err != nil {
			return fmt.Errorf("remove snapshot %s: %w", s.Name, err)
		}
	}
	if err := removeAll(filepath.Join(root, ".gone-*")); err != nil {
		return fmt.Errorf("remove snapshots: %w", err)
	}
	if len(gone) == 0 {
		return nil
	}
	return syncDir(root)
}
