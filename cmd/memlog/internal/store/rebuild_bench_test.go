package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
)

// childWork is what a child can be asked for.
var childWork = map[string]func(dir string) (figures, error){
	"rebuild": childRebuild,
	"replay":  childReplay,
	"open":    childOpen,
	"fill":    childFill,
}

// withStore opens the store and takes the time of f.
func withStore(dir string, f func(*Store) error) (open, work time.Duration, err error) {
	begun := time.Now()
	s, err := Open(context.Background(), dir, Options{Holder: "bench"})
	if err != nil {
		return 0, 0, err
	}
	open, begun = time.Since(begun), time.Now()
	err = f(s)
	work = time.Since(begun)
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return open, work, err
}

// readLog reads every record through the log's own reader, which checks each frame and the chain:
// the least that any replay must do.
func readLog(s *Store) (time.Duration, error) {
	begun := time.Now()
	e, done, err := s.hold()
	if err != nil {
		return 0, err
	}
	defer done()
	for _, err := range e.Log.Records(1, 0) {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

func childRebuild(dir string) (figures, error) {
	var read time.Duration
	var records uint64
	_, _, err := withStore(dir, func(s *Store) (err error) {
		read, err = readLog(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	_, work, err := withStore(dir, func(s *Store) error {
		r, err := s.Rebuild(context.Background(), memory.RebuildRequest{})
		records = r.Records
		return err
	})
	return figures{
		"s/rebuild": work.Seconds(), "events/s": float64(records) / work.Seconds(),
		"ratio-to-read": work.Seconds() / read.Seconds(),
	}, err
}

func childReplay(dir string) (figures, error) {
	var read time.Duration
	var records uint64
	_, work, err := withStore(dir, func(s *Store) error {
		r, err := s.Replay(context.Background(), memory.ReplayRequest{})
		if records = r.Records; err == nil {
			read, err = readLog(s)
		}
		return err
	})
	work -= read
	return figures{
		"s/replay": work.Seconds(), "events/s": float64(records) / work.Seconds(),
		"ratio-to-read": work.Seconds() / read.Seconds(),
	}, err
}

func childOpen(dir string) (figures, error) {
	open, _, err := withStore(dir, func(*Store) error { return nil })
	return figures{"open-ms": ms(open)}, err
}

// childFill is killed while it waits: the memtable is as full as it gets before it is written out.
func childFill(dir string) (figures, error) {
	s, err := Open(context.Background(), dir, Options{Holder: "bench"})
	if err != nil {
		return nil, err
	}
	c := newCorpus(2)
	first, err := fillUntilFlush(s, c)
	if err != nil {
		return nil, err
	}
	n, err := fillUntilFlush(s, c)
	if err != nil {
		return nil, err
	}
	if err := fill(s, c, max(n, first)*9/10); err != nil {
		return nil, err
	}
	fmt.Printf("\nready\n")
	_, err = io.Copy(io.Discard, os.Stdin) // until we are killed
	return figures{}, err
}

// flushStep is how many memories are stored between two looks at the index's checkpoint.
const flushStep = 50

// fillUntilFlush stores memories until the index has written a memtable out, and says how many.
func fillUntilFlush(s *Store, c *corpus) (int, error) {
	at := func() uint64 {
		cp, _ := index.Peek(filepath.Join(s.dir, "index"))
		return cp.Seq
	}
	for n, was := 0, at(); ; n += flushStep {
		if now := at(); now != was {
			return n, nil
		}
		if err := fill(s, c, flushStep); err != nil {
			return n, err
		}
	}
}

// benchRebuild drops the index and makes it anew from the log, in a process of its own.
func benchRebuild(b *testing.B, base string) {
	benchChild(b, base, "rebuild", "s/rebuild", "events/s", "cpu-s", "peak-MB", "ratio-to-read")
}

// benchReplay replays the log into a throw-away store and holds its digest against the
// live one's, as `memlog replay --until now` does.
func benchReplay(b *testing.B, base string) {
	benchChild(b, base, "replay", "s/replay", "events/s", "cpu-s", "peak-MB", "ratio-to-read")
}

func benchChild(b *testing.B, base, what string, report ...string) {
	dir := cloneStore(b, base)
	for b.Loop() {
		m := medians{}
		for range benchRuns {
			m.add(child(b, what, dir))
		}
		m.report(b, report...)
	}
}

// benchOpenClean opens a store that was shut down, in a process of its own, against
// reading and hashing the log's last segment.
func benchOpenClean(b *testing.B, base string) {
	dir := cloneStore(b, base)
	for b.Loop() {
		m := medians{}
		for range 4*benchRuns + 1 {
			f := child(b, "open", dir)
			f["tail-ms"] = ms(hashTail(b, dir))
			m.add(f)
		}
		m.report(b, "open-ms", "tail-ms", "peak-MB")
		b.ReportMetric(quantile(m["open-ms"], 0.9), "open-p90-ms")
	}
}

func hashTail(b *testing.B, dir string) time.Duration {
	segs, err := filepath.Glob(filepath.Join(dir, "log", "0*"))
	if err != nil || len(segs) == 0 {
		b.Fatal("no segments", err)
	}
	begun := time.Now()
	raw, err := os.ReadFile(segs[len(segs)-1])
	if err != nil {
		b.Fatal(err)
	}
	_ = sha256.Sum256(raw)
	return time.Since(begun)
}

// benchOpenKilled opens a store whose process was killed with SIGKILL just before its
// memtable would have been written out: everything in it is replayed.
func benchOpenKilled(b *testing.B, base string) {
	dir := cloneStore(b, base)
	killed(b, dir)
	for b.Loop() {
		m := medians{}
		for range benchRuns {
			f := child(b, "open", cloneStore(b, dir))
			m.add(f)
		}
		m.report(b, "open-ms", "peak-MB")
	}
	b.ReportMetric(unflushed(b, dir), "replayed-records")
}

// killed runs childFill on the store and kills it when it is ready.
func killed(b *testing.B, dir string) {
	cmd := childCommand("fill", dir)
	hold, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	defer hold.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		ready = strings.TrimSpace(lines.Text()) == "ready"
	}
	if err := cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !ready {
		b.Fatal("child ended before it was ready")
	}
}

// unflushed is how many records the index of a killed store lacks.
func unflushed(b *testing.B, dir string) float64 {
	clone := cloneStore(b, dir)
	db, err := index.Open(filepath.Join(clone, "index"), index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	seen := db.Checkpoint().Seq
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	s, err := Open(context.Background(), clone, Options{Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	return float64(uint64(s.engine.Log.Head().Seq) - seen)
}

// benchBytes reports what a memory takes on disk, live and after a rebuild.
func benchBytes(b *testing.B, base string) {
	dir := cloneStore(b, base)
	child(b, "rebuild", dir)
	for b.Loop() {
		log := float64(treeBytes(filepath.Join(base, "log"))) / benchMemories
		live := float64(treeBytes(filepath.Join(base, "index"))) / benchMemories
		rebuilt := float64(treeBytes(filepath.Join(dir, "index"))) / benchMemories
		b.ReportMetric(log, "log-B/memory")
		b.ReportMetric(live, "index-B/memory")
		b.ReportMetric(rebuilt, "rebuilt-B/memory")
		b.ReportMetric(log/benchChars, "log-ratio-to-text")
		b.ReportMetric(rebuilt/benchChars, "index-ratio-to-text")
	}
}
