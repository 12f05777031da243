package wal

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var killRounds = flag.Int("kill-rounds", 12, "rounds of TestKilledWriter")

// childStore makes the test binary a writer in that directory, for tests that kill it.
const childStore = "MEMLOG_WAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childStore); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child appends as fast as it can by several writers and prints what was acknowledged.
func child(dir string) {
	ctx := context.Background()
	o := Options{SegmentSize: 20000, Holder: "the child", LockWait: 10 * time.Second}
	l, err := Open(ctx, dir, o)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("open")
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if _, err := l.Append(ctx, entry(text)); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println("ack", text)
				mu.Unlock()
			}
		}()
	}
	select {}
}

func startChild(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childStore+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for range *killRounds {
		cmd, lines := startChild(t, dir)
		for n := rand.IntN(400); n >= 0 && lines.Scan(); n-- {
			note(t, acked, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			note(t, acked, lines.Text())
		}
		_ = cmd.Wait()
	}
	rep := mustVerify(t, dir)
	if !rep.OK() {
		t.Errorf("verify: got %v", rep.Problems)
	}
	l := mustOpen(t, dir, Options{})
	seen := map[string]int{}
	for r, err := range l.Records(2, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.RequestID]++; seen[r.RequestID] > 1 {
			t.Errorf("%s is there twice", r.RequestID)
		}
	}
	for text := range acked {
		if seen["r-"+text] != 1 {
			t.Errorf("acknowledged %s is there %d times", text, seen["r-"+text])
		}
	}
	if len(acked) < *killRounds {
		t.Errorf("only %d were acknowledged", len(acked))
	}
}

func note(t *testing.T, acked map[string]bool, line string) {
	t.Helper()
	if text, ok := strings.CutPrefix(line, "ack "); ok {
		acked[text] = true
	} else if strings.HasPrefix(line, "error") {
		t.Fatalf("child: %s", line)
	}
}

func TestSecondProcessIsToldWhoHoldsIt(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startChild(t, dir)
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("child: %q", lines.Text())
	}
	_, err := Open(context.Background(), dir, Options{LockWait: 20 * time.Millisecond})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != cmd.Process.Pid || locked.Holder != "the child" {
		t.Errorf("open: got %v, want LockedError of %d", err, cmd.Process.Pid)
	}
	if rep, err := Verify(context.Background(), dir, VerifyOptions{}); err != nil || !rep.OK() {
		t.Errorf("verify beside a writer: got %v, %v", rep.Problems, err)
	}
	ro := mustOpen(t, dir, Options{ReadOnly: true})
	if ro.Head().Seq == 0 {
		t.Errorf("read-only beside a writer sees nothing")
	}
	if _, err := ro.Append(context.Background(), entry("x")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append: got %v, want ErrReadOnly", err)
	}
}

// snapshotDir returns every file's bytes and time, to see whether anything was touched.
func snapshotDir(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[path] = info.ModTime().String()
		if d.Type().IsRegular() {
			all[path] += string(readFile(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadingChangesNothing(t *testing.T) {
	dir := buildLog(t, 12, 700)
	last := segmentNames(t, dir)
	name := last[len(last)-1]
	writeFile(t, name, append(readFile(t, name), "torn"...))
	writeFile(t, name+tmpSuffix, nil)
	before := snapshotDir(t, dir)
	l := mustOpen(t, dir, Options{ReadOnly: true})
	if got := len(texts(t, l, 0, 0)); got != 12 {
		t.Errorf("records: got %d, want 12", got)
	}
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() || len(rep.Notes) == 0 {
		t.Errorf("verify: got %+v", rep)
	}
	r, err := Repair(context.Background(), dir, RepairOptions{DryRun: true})
	if err != nil || len(r.Lost) > 0 {
		t.Errorf("dry run: got %+v, %v", r, err)
	}
	if after := snapshotDir(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("something was changed")
	}
}

func TestNewerFormat(t *testing.T) {
	dir := buildLog(t, 3, 700)
	l := mustOpen(t, dir, Options{})
	id := l.ID()
	l.Close()
	name := filepath.Join(dir, formatName)
	writeFile(t, name, storeFormat{reads: Format, writes: Format + 1, id: id}.encode())
	l = mustOpen(t, dir, Options{})
	if _, err := l.Append(context.Background(), entry("x")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("newer to write: got %v, want ErrReadOnly", err)
	}
	if got := len(texts(t, l, 0, 0)); got != 3 {
		t.Errorf("newer to write: got %d records, want 3", got)
	}
	l.Close()
	writeFile(t, name, storeFormat{reads: Format + 1, writes: Format + 1, id: id}.encode())
	if _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("newer to read: got %v, want ErrNewerFormat", err)
	}
	if _, err := Repair(context.Background(), dir, RepairOptions{}); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("repair: got %v, want ErrNewerFormat", err)
	}
}

func TestMustExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, o := range []Options{{MustExist: true}, {ReadOnly: true}} {
		if _, err := Open(context.Background(), dir, o); !errors.Is(err, ErrNoStore) {
			t.Errorf("%+v: got %v, want ErrNoStore", o, err)
		}
	}
	if exists(dir) {
		t.Errorf("a directory was made")
	}
}

func TestFork(t *testing.T) {
	from := Forked{From: [16]byte{7}, Position: Position{9, Hash{8}}}
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Fork: &from})
	r, err := l.Read(1)
	if err != nil || r.Mark == nil || r.Mark.Forked == nil || r.Mark.Forked.From != from.From ||
		r.Mark.Forked.Position != from.Position || r.Mark.Forked.LogID != l.ID() ||
		l.ID() == [16]byte{} {
		t.Errorf("record 1: got %+v, %v, id %x", r, err, l.ID())
	}
}

// TestSmallFilesFlipped damages every byte of what is derived: nothing may be lost.
func TestSmallFilesFlipped(t *testing.T) {
	base := buildLog(t, 12, 700)
	for _, name := range []string{headName, formatName, filepath.Join(logDir, sealedName)} {
		whole := readFile(t, filepath.Join(base, name))
		for at := range whole {
			dir := copyStore(t, base)
			b := append([]byte(nil), whole...)
			b[at] ^= 4
			writeFile(t, filepath.Join(dir, name), b)
			if rep := mustVerify(t, dir); !rep.OK() || len(rep.Notes) == 0 {
				t.Errorf("%s flipped at %d: verify got %+v", name, at, rep)
			}
			l := mustOpen(t, dir, Options{disk: quickDisk()})
			if got := len(texts(t, l, 0, 0)); got != 12 {
				t.Errorf("%s flipped at %d: got %d records", name, at, got)
			}
			mustAppend(t, l, "more")
			l.Close()
			if rep := mustVerify(t, dir); !rep.OK() {
				t.Errorf("%s flipped at %d: verify after open got %+v", name, at, rep.Problems)
			}
		}
	}
}

// TestRepairKilledAnywhere stops a repair before each of its operations and runs it again.
func TestRepairKilledAnywhere(t *testing.T) {
	base := buildLog(t, 20, 700)
	segs := segmentNames(t, base)
	b := readFile(t, segs[1])
	b[len(b)/2] ^= 1
	writeFile(t, segs[1], b)
	if err := os.Remove(segs[2]); err != nil {
		t.Fatal(err)
	}
	want := mustVerify(t, base).Records
	for n := 0; ; n++ {
		dir := copyStore(t, base)
		count := 0
		_, err := Repair(context.Background(), dir, RepairOptions{AcceptLoss: true,
			disk: failingFrom(func() bool { count++; return count > n })})
		if err == nil {
			if n == 0 {
				t.Fatalf("repair does nothing")
			}
			break
		}
		if _, err := Repair(context.Background(), dir,
			RepairOptions{AcceptLoss: true, disk: quickDisk()}); err != nil {
			t.Fatalf("killed at %d: repair again: %v", n, err)
		}
		if rep := mustVerify(t, dir); !rep.OK() || rep.Records < want || len(rep.Accepted) == 0 {
			t.Errorf("killed at %d: got %+v, want %d records", n, rep, want)
		}
	}
}

// failingFrom is a disk whose operations fail while stop says so.
func failingFrom(stop func() bool) *disk {
	d := quickDisk()
	real := *d
	fail := func() error {
		if stop() {
			return errInjectedSync
		}
		return nil
	}
	d.sync = func(*os.File) error { return fail() }
	d.syncDir = func(string) error { return fail() }
	d.writeAt = func(f *os.File, b []byte, off int64) (int, error) {
		if err := fail(); err != nil {
			return 0, err
		}
		return real.writeAt(f, b, off)
	}
	d.truncate = func(f *os.File, n int64) error { return errors.Join(fail(), nil) }
	d.create = func(name string) (*os.File, error) {
		if err := fail(); err != nil {
			return nil, err
		}
		return real.create(name)
	}
	two := func(op func(a, b string) error) func(a, b string) error {
		return func(a, b string) error {
			if err := fail(); err != nil {
				return err
			}
			return op(a, b)
		}
	}
	d.rename, d.link = two(real.rename), two(real.link)
	d.remove = func(name string) error {
		if err := fail(); err != nil {
			return err
		}
		return real.remove(name)
	}
	return d
}
