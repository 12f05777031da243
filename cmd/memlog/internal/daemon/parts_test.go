package daemon

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestNewer(t *testing.T) {
	ascending := []string{
		"0.0.0-20250101000000-aaaaaaaaaaaa", "v0.0.0-20260101000000-000000000000", "v0.1.0-dev",
		"0.1.0", "v0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2",
		"1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "v2.0.0",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			if got := newer(a, b); got != (i > j) {
				t.Errorf("newer(%s, %s) is %v", a, b, got)
			}
		}
	}
	for _, odd := range []string{"", "devel", "(devel)", "1.0", "1.0.0.0", "1.x.0", "-1.0.0"} {
		if newer(odd, "1.0.0") || newer("1.0.0", odd) {
			t.Errorf("%q is taken for a version", odd)
		}
	}
	if newer("1.0.0+b", "1.0.0+a") || newer("1.0.0+b", "1.0.0") {
		t.Error("builds are compared")
	}
}

// TestRewinder reads sources again and again, from where they stand, to different depths.
func TestRewinder(t *testing.T) {
	const text = "the quick brown fox"
	moved := strings.NewReader("behind " + text)
	if _, err := io.CopyN(io.Discard, moved, int64(len("behind "))); err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]io.Reader{
		"seeks":     moved,
		"does not":  io.MultiReader(strings.NewReader(text)),
		"one byte":  iotest.OneByteReader(strings.NewReader(text)),
		"data, EOF": iotest.DataErrReader(strings.NewReader(text)),
	} {
		r := newRewinder(src)
		for _, n := range []int{3, 0, 12, 7, len(text)} {
			from, err := r.rewind()
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(from, got); err != nil || string(got) != text[:n] {
				t.Errorf("%s: read %q (%v), want %q", name, got, err, text[:n])
			}
		}
		from, _ := r.rewind()
		if got, err := io.ReadAll(from); err != nil || string(got) != text {
			t.Errorf("%s: read %q (%v) at last", name, got, err)
		}
		old := from
		from, _ = r.rewind()
		if n, err := old.Read(make([]byte, 5)); n != 0 || !errors.Is(err, errOldAttempt) {
			t.Errorf("%s: an old attempt reads %d bytes (%v)", name, n, err)
		}
		if got, err := io.ReadAll(from); err != nil || string(got) != text {
			t.Errorf("%s: read %q (%v) beside an old attempt", name, got, err)
		}
		r.close()
	}
	failing := newRewinder(iotest.ErrReader(io.ErrUnexpectedEOF))
	for range 2 {
		from, _ := failing.rewind()
		if _, err := io.ReadAll(from); err != io.ErrUnexpectedEOF {
			t.Errorf("a source that fails: %v", err)
		}
	}
}

// TestLogFile keeps the owner's log within its bounds, and loses no line of the newer half.
func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	l := &logFile{path: filepath.Join(dir, logName), max: 100}
	for i := range 30 {
		if _, err := l.Write([]byte(strings.Repeat(string(rune('a'+i%26)), 29) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{logName: 90, logName + ".1": 90} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() != want {
			t.Errorf("%s: %v (%v), want %d bytes", name, info, err, want)
		}
	}
	none := LogFile(filepath.Join(dir, "no", "store"))
	if _, err := none.Write([]byte("x")); err == nil {
		t.Error("a log was written without a store")
	}
	if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
		t.Error("the log made the store's directory")
	}
}

// TestDoor takes a socket's file away where it is the socket's own, and only there.
func TestDoor(t *testing.T) {
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "a.sock")
	open := func() *door {
		d := &door{path: path}
		if err := d.open(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.l.Close() })
		return d
	}
	first := open()
	second := open() // takes its place
	if first.remove(); first.there() || !second.there() {
		t.Error("a socket that was replaced took the other away")
	}
	if second.remove(); second.there() {
		t.Error("a socket stayed")
	}
}
