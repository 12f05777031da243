package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// quickDisk is a real disk without syncs, for tests that no power cut interrupts.
func quickDisk() *disk {
	d := realDisk()
	d.sync = func(*os.File) error { return nil }
	d.syncDir = func(string) error { return nil }
	return d
}

// quickDir is a directory in memory, where the system has such a place.
func quickDir(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "memlog-wal-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// buildLog makes a closed store of n records in segments of about size bytes.
func buildLog(t testing.TB, n int, size int64) string {
	t.Helper()
	dir := quickDir(t)
	l := mustOpen(t, dir, Options{SegmentSize: size, disk: quickDisk()})
	for i := 2; i <= n; i++ {
		mustAppend(t, l, fmt.Sprint("m", i))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// segmentNames lists the files of log/ in order.
func segmentNames(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, logDir, "0*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, filePerm); err != nil {
		t.Fatal(err)
	}
}

// copyStore clones a store directory.
func copyStore(t testing.TB, dir string) string {
	t.Helper()
	to := quickDir(t)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestCutAtEveryByte(t *testing.T) {
	dir := buildLog(t, 5, 1<<20)
	name := segmentNames(t, dir)[0]
	whole := readFile(t, name)
	for cut := 0; cut < len(whole); cut++ {
		for _, ahead := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/ahead=%v", cut, ahead), func(t *testing.T) {
				testCut(t, dir, cut, ahead, whole)
			})
		}
	}
}

func testCut(t *testing.T, dir string, cut int, ahead bool, whole []byte) {
	dir = copyStore(t, dir)
	name := segmentNames(t, dir)[0]
	writeFile(t, name, whole[:cut])
	if !ahead {
		os.Remove(filepath.Join(dir, headName))
	}
	var want int
	s := newScanner(bytes.NewReader(whole[:cut]), 0)
	end := int64(0)
	for it, err := s.next(); err == nil && it.gap == nil; it, err = s.next() {
		want, end = want+1, it.end
	}
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	if ahead {
		if got := l.Head().Seq; got != Seq(want) {
			t.Errorf("head: got %d, want %d", got, want)
		}
		if _, err := l.Append(context.Background(), entry("no")); !errors.Is(err, ErrReadOnly) {
			t.Errorf("append: got %v, want ErrReadOnly", err)
		}
		if got := readFile(t, name); !bytes.Equal(got, whole[:cut]) {
			t.Errorf("file was changed")
		}
		if rep := mustVerify(t, dir); rep.OK() {
			t.Errorf("verify found nothing")
		}
		l.Close()
		testCutRepair(t, dir, want)
		return
	}
	if want == 0 {
		want = 1 // record 1 is made again
	}
	if got := l.Head().Seq; got != Seq(want) {
		t.Errorf("head: got %d, want %d", got, want)
	}
	torn, _ := filepath.Glob(filepath.Join(dir, quarantineDir, "*.torn"))
	var kept []byte
	for _, f := range torn {
		kept = append(kept, readFile(t, f)...)
	}
	if !bytes.Equal(kept, whole[end:cut]) {
		t.Errorf("quarantine: got %d bytes, want %d", len(kept), cut-int(end))
	}
	mustAppend(t, l, "again")
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() || rep.LastSeq != Seq(want+1) {
		t.Errorf("verify: got %+v", rep)
	}
}

// testCutRepair repairs a log whose acknowledged end was cut behind record want: a repair that
// is refused takes nothing away, and one that accepts the loss keeps all there was.
func testCutRepair(t *testing.T, dir string, want int) {
	_, err := Repair(context.Background(), dir, RepairOptions{disk: quickDisk()})
	if !errors.Is(err, ErrLossNotAccepted) {
		t.Errorf("repair: got %v, want ErrLossNotAccepted", err)
	}
	if rep := mustVerify(t, dir); rep.OK() || rep.Records != uint64(want) {
		t.Errorf("verify after refused repair: got %d records, want %d", rep.Records, want)
	}
	o := RepairOptions{AcceptLoss: true, disk: quickDisk()}
	if _, err := Repair(context.Background(), dir, o); err != nil {
		t.Fatalf("repair: %v", err)
	}
	rep := mustVerify(t, dir)
	if !rep.OK() || len(rep.Accepted) != 1 || rep.Accepted[0].From != Seq(want+1) {
		t.Errorf("verify after accepted loss behind %d: got %+v", want, rep)
	}
}

func TestFlipEveryByte(t *testing.T) {
	const n = 10
	dir := buildLog(t, n, 500)
	for _, name := range segmentNames(t, dir) {
		whole := readFile(t, name)
		for at := range whole {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(name)[18:], at), func(t *testing.T) {
				testFlip(t, dir, filepath.Base(name), at, n)
			})
		}
	}
}

func testFlip(t *testing.T, dir, segment string, at, n int) {
	dir = copyStore(t, dir)
	name := filepath.Join(dir, logDir, segment)
	b := readFile(t, name)
	b[at] ^= 1 << (at % 8)
	writeFile(t, name, b)
	rep := mustVerify(t, dir)
	if rep.OK() || rep.Problems[0].Segment != logDir+"/"+segment {
		t.Fatalf("verify: got %+v", rep)
	}
	bad := rep.Problems[0]
	if int64(at) < bad.Offset {
		t.Errorf("verify: damage at %d is named at %d", at, bad.Offset)
	}
	want := n
	if bad.FromSeq > 0 {
		want -= int(bad.ToSeq-bad.FromSeq) + 1
	}
	if _, size := binary.Uvarint(b); at < size && segment == segmentName(1) && want < n {
		t.Errorf("a damaged length prefix costs a record: %+v", rep.Problems)
	}
	if want < n-1 {
		t.Errorf("more than one record is gone: %+v", rep.Problems)
	}
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	got := 0
	for _, err := range l.Records(1, 0) {
		if err == nil {
			got++
		}
	}
	if got != want {
		t.Errorf("open: %d records are served, want %d", got, want)
	}
	l.Close()
	o := RepairOptions{AcceptLoss: true, disk: quickDisk()}
	if _, err := Repair(context.Background(), dir, o); err != nil {
		t.Fatalf("repair: %v", err)
	}
	rep = mustVerify(t, dir)
	if !rep.OK() || rep.Records < uint64(want) {
		t.Errorf("verify after repair: got %+v", rep)
	}
	if want < n && len(rep.Accepted) != 1 {
		t.Errorf("accepted: got %v, want one", rep.Accepted)
	}
}
