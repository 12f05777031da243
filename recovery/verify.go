package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/wal"
)

// VerifyOptions of Verify. The zero value checks the log, the archive and the index, and of the
// snapshots what they say about themselves.
type VerifyOptions struct {
	Deep     bool          // replay everything, compare digests with the index, read all snapshots
	Wait     time.Duration // how long to go on reading files that change while they are read
	Progress Progress
}

// IndexReport is the part of a Report that is about the index. A missing index is sound: the next
// opening makes it.
type IndexReport struct {
	OK         bool
	Detail     string // what is wrong
	Checkpoint index.Checkpoint
	Digest     [32]byte // over all keys, as it stands; Deep only
	State      [32]byte // state digest, as it stands; Deep only
	Replayed   [32]byte // what Digest should be, by a fresh replay; Deep only
	Anomalies  index.Anomalies
}

// SnapshotProblem names a snapshot that is not as it was made.
type SnapshotProblem struct {
	Name   string
	Detail string
}

// Report is what Verify found.
type Report struct {
	Log       wal.Report
	Index     IndexReport
	Snapshots []SnapshotProblem
	Notes     []string // beside those in Log
}

// OK tells whether nothing is damaged. Notes and accepted losses are no damage.
func (r Report) OK() bool { return r.Log.OK() && r.Index.OK && len(r.Snapshots) == 0 }

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Verify checks the store in dir and changes nothing in it. It takes no lock: it works on a
// read-only disk, on a store that no owner can open, and beside an owner, even one that hangs.
// Files that change while they are read are read again, MaxVerifyTries times at least. The error
// is of what kept it from looking; damage is in the Report.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Report, error) {
	if _, err := os.Stat(dir); err != nil {
		return Report{}, fmt.Errorf("verify: %w: %w", wal.ErrNoStore, err)
	}
	tmp, err := os.MkdirTemp("", "memlog-verify-")
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	r, err := verify(ctx, dir, tmp, o)
	if err = errors.Join(err, robustio.RemoveAll(tmp)); err != nil {
		return Report{}, fmt.Errorf("verify %s: %w", dir, err)
	}
	return r, nil
}

func verify(ctx context.Context, dir, tmp string, o VerifyOptions) (Report, error) {
	var r Report
	var err error
	if r.Log, err = verifyLog(ctx, dir, o); err != nil {
		return r, err
	}
	v := verifier{o: o, tmp: tmp, r: &r}
	l, err := wal.Open(ctx, dir, wal.Options{ReadOnly: true, MustExist: true})
	if err != nil {
		if r.Log.OK() {
			return r, err
		}
		r.note("the log cannot be opened (%v): index and snapshots were not compared with it", err)
	} else {
		v.log = l
		defer l.Close()
	}
	if err := v.checkIndex(ctx, filepath.Join(dir, indexName)); err != nil {
		return r, err
	}
	return r, v.checkSnapshots(ctx, dir)
}

// verifyLog has the log checked against all witnesses of this log. Witnesses are asked first, so
// that what is appended meanwhile cannot make them look behind.
func verifyLog(ctx context.Context, dir string, o VerifyOptions) (wal.Report, error) {
	ws := witnesses(dir)
	again := o.patience()
	for {
		before := fingerprint(dir, "HEAD", "log", "archive")
		r, err := wal.Verify(ctx, dir, wal.VerifyOptions{Progress: o.Progress.bytes(StageVerify)})
		if err == nil {
			r, err = withWitnesses(ctx, dir, r, of(ws, r.LogID), o.Progress)
		}
		still := before == fingerprint(dir, "HEAD", "log", "archive")
		if err == nil && r.OK() || still || !again() {
			return r, orGone(dir, err, ws)
		}
	}
}

// patience returns a function that tells whether to read once more.
func (o VerifyOptions) patience() (again func() bool) {
	try, end := 0, time.Now().Add(o.Wait)
	return func() bool {
		try++
		return try < MaxVerifyTries || time.Now().Before(end)
	}
}

// withWitnesses asks again where a witness of this log saw more than the log has.
func withWitnesses(ctx context.Context, dir string, r wal.Report, ws []wal.Witness, p Progress) (
	wal.Report, error) {
	for _, w := range ws {
		if w.Position.Seq > r.LastSeq {
			return wal.Verify(ctx, dir, wal.VerifyOptions{
				Witnesses: ws, Progress: p.bytes(StageVerify)})
		}
	}
	return r, nil
}

// Verify is the package's Verify for the owner of the store: where the log seems damaged, it looks
// once more in a pause between two appends, and the index it checks is the live one.
func (e *Engine) Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	tmp, err := os.MkdirTemp("", "memlog-verify-")
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	r, err := e.verify(ctx, tmp, o)
	if err = errors.Join(err, robustio.RemoveAll(tmp)); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return r, nil
}

func (e *Engine) verify(ctx context.Context, tmp string, o VerifyOptions) (Report, error) {
	var r Report
	var err error
	if r.Log, err = verifyLog(ctx, e.dir, o); err != nil {
		return r, err
	}
	if !r.Log.OK() && !e.readOnly {
		_, err := e.Log.Append(ctx, func() (wal.Entry, error) {
			var err error
			r.Log, err = verifyLog(ctx, e.dir, o)
			return wal.Entry{}, err
		})
		if err != nil {
			return r, err
		}
	}
	v := verifier{o: o, tmp: tmp, r: &r, log: e.Log}
	db, release := e.Index()
	err = v.checkOpenIndex(ctx, e.indexDir, db)
	release()
	if err != nil {
		return r, err
	}
	return r, v.checkSnapshots(ctx, e.dir)
}
