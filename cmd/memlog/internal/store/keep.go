package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/metrics"
	"memlog/recovery"
	"memlog/wal"
	"memlog/wal/event"
)

// Verify checks the log, the archive, the snapshots and the index.
func (s *Store) Verify(ctx context.Context, r memory.VerifyRequest) (
	_ memory.VerifyResult, err error) {
	defer s.counted("verify", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.VerifyResult{}, err
	}
	defer done()
	rep, err := e.Verify(ctx, recovery.VerifyOptions{Deep: r.Deep,
		Progress: recovery.Progress(r.Progress)})
	if err != nil {
		return memory.VerifyResult{}, logError(err)
	}
	out := verifyResult(rep)
	s.metrics.Verified(lastVerify(s.now(), r, out))
	return out, nil
}

func lastVerify(at time.Time, r memory.VerifyRequest, v memory.VerifyResult) memory.LastVerify {
	return memory.LastVerify{Time: at, OK: v.OK, Deep: r.Deep, By: r.By, Problems: len(v.Problems)}
}

// NoteVerify writes down what [Verify] found of the store in dir, as an open store does by itself.
// It needs the store's lock for that moment and does not wait for it; an error means that nothing
// was written.
func NoteVerify(dir string, r memory.VerifyRequest, v memory.VerifyResult) error {
	return wal.WhileLocked(dir, r.By, func() error {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer root.Close()
		return metrics.KeepVerify(root, lastVerify(time.Now().UTC(), r, v))
	})
}

// Verify checks the store in dir, open elsewhere or not, and changes nothing in it.
func Verify(ctx context.Context, dir string, r memory.VerifyRequest) (
	memory.VerifyResult, error) {
	rep, err := recovery.Verify(ctx, dir, recovery.VerifyOptions{Deep: r.Deep,
		Progress: recovery.Progress(r.Progress)})
	if err != nil {
		return memory.VerifyResult{}, openError(dir, err)
	}
	return verifyResult(rep), nil
}

// verifyResult is a report as callers see it.
func verifyResult(rep recovery.Report) memory.VerifyResult {
	l, i := rep.Log, rep.Index
	out := memory.VerifyResult{
		OK: rep.OK(), Records: l.Records, FirstSeq: memory.Seq(l.FirstSeq),
		LastSeq: memory.Seq(l.LastSeq), Bytes: l.Bytes,
		Head:     memory.HeadInfo{Seq: memory.Seq(l.Head.Seq), Hash: l.Head.Hash.String()},
		Problems: []memory.Problem{}, Accepted: []memory.SeqRange{},
		Notes: append(append([]string{}, l.Notes...), rep.Notes...),
		Index: memory.VerifyIndex{OK: i.OK, Seq: memory.Seq(i.Checkpoint.Seq),
			Digest: hexOf(i.Digest), State: hexOf(i.State), Replayed: hexOf(i.Replayed)},
	}
	for _, p := range l.Problems {
		out.Problems = append(out.Problems, problem(p))
	}
	if !i.OK {
		out.Problems = append(
			out.Problems,
			memory.Problem{Kind: "index", Segment: "index", Detail: i.Detail},
		)
	}
	for _, p := range rep.Snapshots {
		out.Problems = append(
			out.Problems,
			memory.Problem{Kind: "snapshot", Segment: p.Name, Detail: p.Detail},
		)
	}
	for _, a := range l.Accepted {
		out.Accepted = append(
			out.Accepted,
			memory.SeqRange{From: memory.Seq(a.From), To: memory.Seq(a.To)},
		)
	}
	for _, a := range i.Anomalies.First {
		out.Notes = append(out.Notes, fmt.Sprintf("record %d: %s: %s", a.Seq, a.Kind, a.Detail))
	}
	return out
}

func problem(c wal.CorruptionError) memory.Problem {
	return memory.Problem{Kind: c.Kind, Segment: c.Segment, Offset: c.Offset,
		Seq: memory.Seq(c.FromSeq), ToSeq: memory.Seq(c.ToSeq), Detail: c.Detail}
}

// hexOf writes a digest; a zero one was not computed.
func hexOf(d [32]byte) string {
	if d == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// Repair mends the store. It is closed for that long and opened again afterwards.
func (s *Store) Repair(
	ctx context.Context,
	r memory.RepairRequest,
) (res memory.RepairResult, err error) {
	defer s.counted("repair", time.Now(), &err)
	err = s.closed(ctx, func() error {
		res, err = Repair(ctx, s.dir, s.o, r)
		return err
	})
	return res, err
}

// closed runs f while the store is closed, and opens it again.
func (s *Store) closed(ctx context.Context, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return errClosed
	}
	if err := s.engine.Close(); err != nil {
		s.o.Logger.Warn("close for maintenance", "err", err)
	}
	s.engine = nil
	err := f()
	e, oerr := recovery.Open(ctx, s.dir, s.o.recovery())
	if oerr != nil {
		return errors.Join(err, openError(s.dir, oerr))
	}
	s.engine = e
	return err
}

// Repair mends the store in dir. It waits its turn for the lock.
func Repair(ctx context.Context, dir string, o Options, r memory.RepairRequest) (
	memory.RepairResult, error) {
	o = o.withDefaults()
	rep, err := recovery.Repair(ctx, dir, recovery.RepairOptions{
		AcceptLoss: r.AcceptLoss, DryRun: r.DryRun, LockWait: o.LockWait, Holder: o.Holder,
		Logger: o.Logger, Now: o.Now, Progress: recovery.Progress(r.Progress)})
	out := memory.RepairResult{Kept: rep.Kept, Healed: rep.Healed, Lost: []memory.SeqRange{},
		Quarantine: append([]string{}, rep.Quarantine...), Notes: append([]string{}, rep.Notes...),
		DryRun: r.DryRun}
	for _, l := range rep.Lost {
		out.Lost = append(out.Lost, memory.SeqRange{From: memory.Seq(l.From), To: memory.Seq(l.To)})
	}
	for _, v := range rep.Survived {
		out.Notes = append(out.Notes, fmt.Sprintf("memory %s from record %d is gone from the log; "+
			"the old index still holds it: %q", event.ID(v.ID), v.From,
			cut(v.Text, memory.MaxDiffContent)))
	}
	if rep.Evidence != "" {
		out.Quarantine = append(out.Quarantine, rep.Evidence)
	}
	switch {
	case errors.Is(err, wal.ErrLossNotAccepted):
		return out, memory.Errorf(memory.CodeDamaged, "%w", err).
			WithHint("memlog repair --dry-run lists them; " +
				"memlog repair --accept-loss gives them up and keeps the rest")
	case err != nil:
		return out, openError(dir, err)
	}
	return out, nil
}

// Rebuild makes the index anew.
func (s *Store) Rebuild(
	ctx context.Context,
	r memory.RebuildRequest,
) (_ memory.RebuildResult, err error) {
	defer s.counted("rebuild", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.RebuildResult{}, err
	}
	defer done()
	begin := time.Now()
	rep, err := e.Rebuild(ctx, recovery.Progress(r.Progress))
	if err != nil {
		return memory.RebuildResult{}, logError(err)
	}
	return memory.RebuildResult{Records: rep.Records, Seconds: time.Since(begin).Seconds(),
		Digest: hex.EncodeToString(rep.Digest[:]), State: hex.EncodeToString(rep.State[:])}, nil
}

// SnapshotCreate copies the index.
func (s *Store) SnapshotCreate(ctx context.Context) (_ memory.SnapshotInfo, err error) {
	defer s.counted("snapshot_create", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.SnapshotInfo{}, err
	}
	defer done()
	info, err := e.Snapshot(ctx)
	return snapshotInfo(info), logError(err)
}

// SnapshotList lists the snapshots, oldest first.
func (s *Store) SnapshotList(
	context.Context,
) (_ []memory.SnapshotInfo, err error) {
	defer s.counted("snapshot_list", time.Now(), &err)
	return s.snapshots()
}

func (s *Store) snapshots() ([]memory.SnapshotInfo, error) {
	all, err := recovery.Snapshots(s.dir)
	out := []memory.SnapshotInfo{}
	for _, i := range all {
		out = append(out, snapshotInfo(i))
	}
	return out, err
}

func snapshotInfo(i recovery.SnapshotInfo) memory.SnapshotInfo {
	return memory.SnapshotInfo{Name: i.Name, Seq: memory.Seq(i.Seq), Time: i.Time, Made: i.Made,
		Bytes: i.Bytes, OK: i.OK}
}

// SnapshotPrune removes all but the newest snapshots.
func (s *Store) SnapshotPrune(
	_ context.Context,
	r memory.PruneRequest,
) (_ memory.PruneResult, err error) {
	defer s.counted("snapshot_prune", time.Now(), &err)
	if r.Keep < 0 {
		return memory.PruneResult{}, memory.Invalid("keep", "%d is negative", r.Keep).
			WithHint("give how many of the newest to keep; 0 keeps none")
	}
	gone, err := recovery.PruneSnapshots(s.dir, r.Keep, r.DryRun)
	out := memory.PruneResult{Removed: []string{}}
	for _, i := range gone {
		out.Removed = append(out.Removed, i.Name)
	}
	return out, err
}

// SnapshotRestore puts a snapshot in the index's place and applies the tail of the log to it.
func (s *Store) SnapshotRestore(ctx context.Context, name string) (
	_ memory.RebuildResult, err error) {
	defer s.counted("snapshot_restore", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.RebuildResult{}, err
	}
	defer done()
	begin := time.Now()
	rep, err := e.RestoreSnapshot(ctx, name, nil)
	if err != nil {
		return memory.RebuildResult{}, logError(err)
	}
	return memory.RebuildResult{Records: rep.Replayed, Seconds: time.Since(begin).Seconds(),
		Digest: hex.EncodeToString(rep.Digest[:]), State: hex.EncodeToString(rep.State[:])}, nil
}

// Archive moves sealed segments to the archive. The active one is sealed first where all of it may
// go.
func (s *Store) Archive(
	ctx context.Context,
	r memory.ArchiveRequest,
) (_ memory.ArchiveResult, err error) {
	defer s.counted("archive", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.ArchiveResult{}, err
	}
	defer done()
	if r.OlderThan < 0 {
		return memory.ArchiveResult{}, memory.Invalid("older_than", "%s is negative", r.OlderThan).
			WithHint("give an age, as 720h; 0 takes all that is sealed")
	}
	last, err := e.Log.Read(e.Log.Head().Seq)
	if err == nil && (r.OlderThan == 0 || s.now().Sub(last.Time) > r.OlderThan) {
		err = e.Log.Seal()
	}
	if err != nil {
		return memory.ArchiveResult{}, logError(err)
	}
	o := wal.ArchiveOptions{OlderThan: r.OlderThan, To: r.To}
	if r.Progress != nil {
		o.Progress = func(done, total int64) { r.Progress("archive", done, total) }
	}
	rep, err := wal.Archive(ctx, e.Log, o)
	out := archiveResult(rep)
	if err == nil {
		err = archivedNow(out.Segments, s.dir)
	}
	return out, logError(err)
}

// archivedNow says of segments what they have become in the archive.
func archivedNow(segments []memory.SegmentInfo, dir string) error {
	all, err := wal.ArchiveList(dir)
	for i, seg := range segments {
		for _, a := range all {
			if memory.Seq(a.First) == seg.FirstSeq {
				segments[i].State = string(wal.Archived)
				segments[i].Stored, segments[i].Path = a.StoredBytes, a.Path
			}
		}
	}
	return err
}

func archiveResult(rep wal.ArchiveReport) memory.ArchiveResult {
	out := memory.ArchiveResult{Segments: []memory.SegmentInfo{}, BytesBefore: rep.BytesBefore,
		BytesAfter: rep.BytesAfter}
	for _, seg := range rep.Segments {
		out.Segments = append(out.Segments, segmentInfo(seg))
	}
	return out
}

func segmentInfo(seg wal.Segment) memory.SegmentInfo {
	return memory.SegmentInfo{
		Name:      seg.Name,
		State:     string(seg.State),
		FirstSeq:  memory.Seq(seg.First),
		LastSeq:   memory.Seq(seg.Last),
		FirstTime: seg.FirstTime,
		LastTime:  seg.LastTime,
		Bytes:     seg.Bytes,
		Path:      seg.Path,
	}
}

// ArchiveList lists what the archive holds.
func (s *Store) ArchiveList(context.Context) (_ memory.ArchiveResult, err error) {
	defer s.counted("archive_list", time.Now(), &err)
	return s.archived()
}

func (s *Store) archived() (memory.ArchiveResult, error) {
	all, err := wal.ArchiveList(s.dir)
	out := memory.ArchiveResult{Segments: []memory.SegmentInfo{}}
	for _, a := range all {
		out.Segments = append(out.Segments, memory.SegmentInfo{
			Name: fmt.Sprintf("%020d", a.First), State: string(wal.Archived),
			FirstSeq: memory.Seq(a.First), LastSeq: memory.Seq(a.Last), FirstTime: a.FirstTime,
			LastTime: a.LastTime, Bytes: a.Bytes, Stored: a.StoredBytes, Path: a.Path})
		out.BytesBefore += a.Bytes
		out.BytesAfter += a.StoredBytes
	}
	return out, logError(err)
}

// ArchiveVerify reads every archived file back.
func (s *Store) ArchiveVerify(ctx context.Context) (_ memory.ArchiveResult, err error) {
	defer s.counted("archive_verify", time.Now(), &err)
	out, err := s.archived()
	if err != nil {
		return out, err
	}
	bad, err := wal.ArchiveVerify(ctx, s.dir, nil)
	for _, p := range bad {
		out.Problems = append(out.Problems, problem(p))
	}
	return out, logError(err)
}

// ArchiveRestore brings all archived segments back into the log.
func (s *Store) ArchiveRestore(ctx context.Context) (_ memory.ArchiveResult, err error) {
	defer s.counted("archive_restore", time.Now(), &err)
	e, done, err := s.hold()
	if err != nil {
		return memory.ArchiveResult{}, err
	}
	defer done()
	rep, err := wal.ArchiveRestore(ctx, e.Log, 0, 0)
	return archiveResult(rep), logError(err)
}
