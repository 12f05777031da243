package wal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// archived makes a closed store of n records with its sealed segments archived.
func archived(t *testing.T, n int) (dir string, want []string) {
	t.Helper()
	dir = buildLog(t, n, 700)
	l := mustOpen(t, dir, Options{SegmentSize: 700, disk: quickDisk()})
	want = texts(t, l, 0, 0)
	r, err := Archive(context.Background(), l, ArchiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Segments) < 2 || r.BytesAfter == 0 {
		t.Fatalf("archive: got %+v", r)
	}
	if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
		t.Errorf("records while open (got, want):\n%s", diff)
	}
	l.Close()
	return dir, want
}

func TestArchiveServesRecords(t *testing.T) {
	dir, want := archived(t, 30)
	if n := len(segmentNames(t, dir)); n != 1 {
		t.Errorf("log/: got %d segments, want 1", n)
	}
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
		t.Errorf("records (got, want):\n%s", diff)
	}
	r, err := l.Read(9)
	if err != nil || string(r.Events[0]) != "m9" {
		t.Errorf("read 9: got %+v, %v", r, err)
	}
	if seq, err := l.SeqAt(r.Time); err != nil || seq != 9 {
		t.Errorf("seq at: got %d, %v", seq, err)
	}
	if l.First() != 1 || l.Segments()[0].State != Archived {
		t.Errorf("first %d, segments %+v", l.First(), l.Segments()[0])
	}
	mustAppend(t, l, "more")
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() || rep.Records != 31 || len(rep.Notes) > 0 {
		t.Errorf("verify: got %+v", rep)
	}
	if bad, err := ArchiveVerify(context.Background(), dir, nil); err != nil || len(bad) > 0 {
		t.Errorf("archive verify: got %v, %v", bad, err)
	}
}

func TestArchiveRestore(t *testing.T) {
	dir, want := archived(t, 30)
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	if _, err := ArchiveRestore(context.Background(), l, 1, 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
		t.Errorf("records (got, want):\n%s", diff)
	}
	l.Close()
	os.RemoveAll(filepath.Join(dir, archiveDir))
	l = mustOpen(t, dir, Options{disk: quickDisk()})
	if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
		t.Errorf("records without archive (got, want):\n%s", diff)
	}
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() {
		t.Errorf("verify: got %v", rep.Problems)
	}
}

func TestArchiveChoosesByTime(t *testing.T) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	l := mustOpen(t, quickDir(t), Options{disk: quickDisk(), Now: func() time.Time { return now }})
	for range 4 {
		mustAppend(t, l, "x")
		if err := l.Seal(); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(0, 0, 1)
	}
	r, err := Archive(context.Background(), l, ArchiveOptions{OlderThan: 36 * time.Hour, DryRun: true})
	if err != nil || len(r.Segments) != 3 {
		t.Errorf("dry run: got %d segments, %v, want 3", len(r.Segments), err)
	}
	to := quickDir(t)
	r, err = Archive(context.Background(), l,
		ArchiveOptions{Before: time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC), To: to})
	if err != nil || len(r.Segments) != 2 {
		t.Fatalf("before: got %d segments, %v, want 2", len(r.Segments), err)
	}
	if list, err := ArchiveList(l.Dir()); err != nil || len(list) != 2 || list[0].First != 1 ||
		filepath.Dir(list[0].Path) != to {
		t.Errorf("list: got %+v, %v", list, err)
	}
	if got := texts(t, l, 0, 0); len(got) != 5 {
		t.Errorf("records: got %v", got)
	}
}

func TestArchiveFileFlipped(t *testing.T) {
	base, _ := archived(t, 24)
	files, _ := filepath.Glob(filepath.Join(base, archiveDir, "*"+archiveSuffix))
	whole := readFile(t, files[1])
	for at := 0; at < len(whole); at += 7 {
		dir := copyStore(t, base)
		b := append([]byte(nil), whole...)
		b[at] ^= 0x10
		writeFile(t, filepath.Join(dir, archiveDir, filepath.Base(files[1])), b)
		bad, err := ArchiveVerify(context.Background(), dir, nil)
		if err != nil || len(bad) != 1 {
			t.Fatalf("flip at %d: archive verify got %v, %v", at, bad, err)
		}
		rep := mustVerify(t, dir)
		if rep.OK() || rep.Problems[0].Kind != KindArchive {
			t.Errorf("flip at %d: verify got %v", at, rep.Problems)
		}
		_, err = Repair(context.Background(), dir,
			RepairOptions{AcceptLoss: true, disk: quickDisk()})
		if err != nil {
			t.Fatalf("flip at %d: repair: %v", at, err)
		}
		if after := mustVerify(t, dir); !after.OK() || after.Records < rep.Records {
			t.Errorf("flip at %d: verify after repair: got %+v", at, after)
		}
	}
}

// TestRepairHealsFromTheOtherCopy damages a segment that is both in log/ and archived.
func TestRepairHealsFromTheOtherCopy(t *testing.T) {
	base, want := archived(t, 24)
	l := mustOpen(t, base, Options{disk: quickDisk()})
	if _, err := ArchiveRestore(context.Background(), l, 1, 0); err != nil {
		t.Fatal(err)
	}
	l.Close()
	files, _ := filepath.Glob(filepath.Join(base, archiveDir, "*"+archiveSuffix))
	for _, name := range []string{segmentNames(t, base)[1], files[1]} {
		dir := copyStore(t, base)
		path := filepath.Join(dir, rel(base, name))
		b := readFile(t, path)
		b[len(b)/2] ^= 1
		writeFile(t, path, b)
		if mustVerify(t, dir).OK() {
			t.Errorf("%s: verify found nothing", rel(base, name))
		}
		r, err := Repair(context.Background(), dir, RepairOptions{disk: quickDisk()})
		if err != nil || len(r.Lost) > 0 || r.Healed == 0 {
			t.Errorf("%s: repair got %+v, %v", rel(base, name), r, err)
		}
		if rep := mustVerify(t, dir); !rep.OK() {
			t.Errorf("%s: verify after repair: %v", rel(base, name), rep.Problems)
		}
		l := mustOpen(t, dir, Options{disk: quickDisk()})
		if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
			t.Errorf("%s: records (got, want):\n%s", rel(base, name), diff)
		}
	}
}
