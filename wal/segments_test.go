package wal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// scenario is one way to spoil a log of 20 records in several segments.
type scenario struct {
	name   string
	spoil  func(t *testing.T, dir string, segs []string)
	kind   string // what Verify must call it, "" for none
	served int    // records that Open must serve
	lost   int    // records that Repair may give up
	stops  bool   // writes are refused before repair
	noHurt bool   // Repair needs no AcceptLoss
}

func scenarios(t *testing.T) []scenario {
	other := buildLog(t, 20, 700)
	count := func(dir, seg string) int {
		s := &segFile{}
		s.walk(mustReader(t, seg), nil)
		return int(s.extents[0].last-s.extents[0].first) + 1
	}
	base := buildLog(t, 20, 700)
	segs := segmentNames(t, base)
	n0, n2 := count(base, segs[0]), count(base, segs[2])
	nl := count(base, segs[len(segs)-1])
	far := buildLog(t, 60, 700)
	return []scenario{
		{name: "swapped", kind: KindName, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				a, b := readFile(t, s[1]), readFile(t, s[2])
				writeFile(t, s[1], b)
				writeFile(t, s[2], a)
			}},
		{name: "missing middle", kind: KindMissing, served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) { os.Remove(s[2]) }},
		{name: "missing first", kind: KindMissing, served: 20 - n0, lost: n0,
			spoil: func(t *testing.T, dir string, s []string) { os.Remove(s[0]) }},
		{name: "missing first and FORMAT", kind: KindMissing, served: 20 - n0, lost: n0,
			spoil: func(t *testing.T, dir string, s []string) {
				os.Remove(s[0])
				os.Remove(filepath.Join(dir, formatName))
			}},
		{name: "missing last", kind: KindTornAcked, served: 20 - nl, lost: nl, stops: true,
			spoil: func(t *testing.T, dir string, s []string) { os.Remove(s[len(s)-1]) }},
		{name: "emptied middle", kind: KindMissing, served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) { writeFile(t, s[2], nil) }},
		{name: "emptied last", kind: KindTornAcked, served: 20 - nl, lost: nl, stops: true,
			spoil: func(t *testing.T, dir string, s []string) { writeFile(t, s[len(s)-1], nil) }},
		{name: "zeroed middle", kind: KindZeros, served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[2], make([]byte, len(readFile(t, s[2]))))
			}},
		{name: "copy under a new name", kind: KindDuplicate, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, segmentPath(dir, 99), readFile(t, s[1]))
			}},
		{name: "copy over another", kind: KindDuplicate, served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[2], readFile(t, s[1]))
			}},
		{name: "empty stray", kind: KindStray, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, segmentPath(dir, 99), nil)
			}},
		{name: "foreign middle", kind: KindForeign, served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[2], readFile(t, segmentNames(t, other)[2]))
			}},
		{name: "foreign middle, no sealed.jsonl, no HEAD", kind: KindForeign,
			served: 20 - n2, lost: n2,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[2], readFile(t, segmentNames(t, other)[2]))
				os.Remove(filepath.Join(dir, logDir, sealedName))
				os.Remove(filepath.Join(dir, headName))
			}},
		{name: "foreign first", kind: KindForeign, served: 20 - n0, lost: n0,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[0], readFile(t, segmentNames(t, other)[0]))
			}},
		{name: "foreign last", kind: KindForeign, served: 20 - nl, lost: nl, stops: true,
			spoil: func(t *testing.T, dir string, s []string) {
				i := len(s) - 1
				writeFile(t, s[i], readFile(t, segmentNames(t, other)[i]))
			}},
		{name: "foreign behind the end", kind: KindForeign, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				name := segmentNames(t, far)[8]
				writeFile(t, filepath.Join(dir, logDir, filepath.Base(name)), readFile(t, name))
			}},
		{name: "length prefix cut out", kind: KindChecksum, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) { cutPrefix(t, s[1]) }},
		{name: "last length prefix cut out", kind: KindChecksum, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) { cutPrefix(t, s[len(s)-1]) }},
		{name: "one prefix and the record behind the segment", kind: KindChecksum, served: 19, lost: 1,
			spoil: func(t *testing.T, dir string, s []string) {
				flipAt(t, s[1], 0)
				flipAt(t, s[2], 60)
			}},
		{name: "swapped apart, one damaged", kind: KindName, served: 19, lost: 1,
			spoil: func(t *testing.T, dir string, s []string) {
				a, b := readFile(t, s[0]), readFile(t, s[2])
				writeFile(t, s[0], b)
				writeFile(t, s[2], a)
				flipAt(t, s[0], 60)
			}},
		{name: "old records again", kind: KindOrder, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				i := len(s) - 1
				writeFile(t, s[i], append(readFile(t, s[i]), readFile(t, s[1])...))
			}},
		{name: "tidwall start mark", kind: KindStray, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, segmentPath(dir, 50)+".START", []byte("x"))
			}},
		{name: "tidwall end mark", kind: KindStray, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, segmentPath(dir, 1)+".END", []byte("x"))
			}},
		{name: "unknown file", kind: KindStray, served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, filepath.Join(dir, logDir, "notes.txt"), []byte("x"))
			}},
		{name: "leftover temporary file", served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, s[1]+tmpSuffix, []byte("x"))
				writeFile(t, filepath.Join(dir, headName+tmpSuffix), []byte("x"))
			}},
		{name: "sealed.jsonl gone", served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				os.Remove(filepath.Join(dir, logDir, sealedName))
			}},
		{name: "HEAD gone", served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				os.Remove(filepath.Join(dir, headName))
			}},
		{name: "HEAD of another store", kind: KindForeign, served: 20, stops: true,
			spoil: func(t *testing.T, dir string, s []string) {
				writeFile(t, filepath.Join(dir, headName),
					readFile(t, filepath.Join(other, headName)))
			}},
		{name: "FORMAT gone", served: 20, noHurt: true,
			spoil: func(t *testing.T, dir string, s []string) {
				os.Remove(filepath.Join(dir, formatName))
			}},
		{name: "log gone", kind: KindTornAcked, served: 0, lost: 20, stops: true,
			spoil: func(t *testing.T, dir string, s []string) {
				os.RemoveAll(filepath.Join(dir, logDir))
			}},
	}
}

// cutPrefix takes the length prefix of a segment's second record out of the file.
func cutPrefix(t testing.TB, name string) {
	t.Helper()
	b := readFile(t, name)
	n, size := binary.Uvarint(b)
	at := int(n) + size
	_, size = binary.Uvarint(b[at:])
	writeFile(t, name, slices.Delete(b, at, at+size))
}

func flipAt(t testing.TB, name string, at int) {
	t.Helper()
	b := readFile(t, name)
	b[at] ^= 1
	writeFile(t, name, b)
}

func mustReader(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestSpoiledLog(t *testing.T) {
	dir := buildLog(t, 20, 700)
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) { s.test(t, copyStore(t, dir)) })
	}
}

// TestDivergedCopy puts a segment into a log that is of a copy which went on apart. It begins
// inside of a segment of the log and reaches behind its end, and no HEAD tells them apart.
func TestDivergedCopy(t *testing.T) {
	dir := buildLog(t, 5, 1<<20)
	twin := copyStore(t, dir)
	grow := func(dir, text string, n int) {
		l := mustOpen(t, dir, Options{disk: quickDisk()})
		if text == "twin" {
			if err := l.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			mustAppend(t, l, text)
		}
		l.Close()
	}
	grow(dir, "mine", 5)
	grow(twin, "twin", 15)
	writeFile(t, segmentPath(dir, 6), readFile(t, segmentPath(twin, 6)))
	if err := os.Remove(filepath.Join(dir, headName)); err != nil {
		t.Fatal(err)
	}
	rep := mustVerify(t, dir)
	if len(rep.Problems) != 1 || rep.Problems[0].Kind != KindForeign || rep.LastSeq != 10 {
		t.Errorf("verify: got %+v", rep)
	}
	if _, err := Repair(context.Background(), dir, RepairOptions{disk: quickDisk()}); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	if r := mustAppend(t, l, "more"); r.Seq != 11 || !mustVerify(t, dir).OK() {
		t.Errorf("after repair: record %d, verify %+v", r.Seq, mustVerify(t, dir).Problems)
	}
}

func (s scenario) test(t *testing.T, dir string) {
	s.spoil(t, dir, segmentNames(t, dir))
	rep := mustVerify(t, dir)
	s.checkVerify(t, rep)
	ctx := context.Background()
	l := mustOpen(t, copyStore(t, dir), Options{})
	served := 0
	for r, err := range l.Records(1, 0) {
		if err == nil {
			served++
			if want := fmt.Sprint("m", r.Seq); r.Seq > 1 && string(r.Events[0]) != want {
				t.Errorf("record %d: got %q", r.Seq, r.Events[0])
			}
		}
	}
	if served != s.served {
		t.Errorf("served: got %d records, want %d", served, s.served)
	}
	_, err := l.Append(ctx, entry("more"))
	if s.stops != errors.Is(err, ErrReadOnly) {
		t.Errorf("append: got %v, want refused: %v", err, s.stops)
	}
	if s.stops && !strings.Contains(err.Error(), "memlog repair") {
		t.Errorf("append: %q names no command", err)
	}
	l.Close()
	s.checkRepair(t, dir)
}

func (s scenario) checkVerify(t *testing.T, rep Report) {
	t.Helper()
	if s.kind == "" && !rep.OK() {
		t.Errorf("verify: got %v, want no problem", rep.Problems)
	}
	found := s.kind == ""
	for _, p := range rep.Problems {
		found = found || p.Kind == s.kind
	}
	if !found {
		t.Errorf("verify: got %v, want kind %q", rep.Problems, s.kind)
	}
	if int(rep.Records) != s.served {
		t.Errorf("verify: got %d records, want %d", rep.Records, s.served)
	}
}

func (s scenario) checkRepair(t *testing.T, dir string) {
	t.Helper()
	ctx := context.Background()
	r, err := Repair(ctx, dir, RepairOptions{})
	if s.noHurt != (err == nil) {
		t.Fatalf("repair without loss: got %+v, %v", r, err)
	}
	if !s.noHurt {
		if !errors.Is(err, ErrLossNotAccepted) {
			t.Fatalf("repair without loss: got %v, want ErrLossNotAccepted", err)
		}
		if rep := mustVerify(t, dir); int(rep.Records) != s.served {
			t.Errorf("after refused repair: got %d records, want %d", rep.Records, s.served)
		}
		if r, err = Repair(ctx, dir, RepairOptions{AcceptLoss: true}); err != nil {
			t.Fatalf("repair: %+v, %v", r, err)
		}
	}
	lost := 0
	for _, l := range r.Lost {
		lost += int(l.Len())
	}
	if lost != s.lost {
		t.Errorf("repair: %d records lost, want %d", lost, s.lost)
	}
	rep := mustVerify(t, dir)
	if !rep.OK() || len(rep.Accepted) > 0 != (s.lost > 0) || int(rep.Records) < s.served {
		t.Errorf("verify after repair: got %+v", rep)
	}
	l := mustOpen(t, dir, Options{MustExist: true})
	mustAppend(t, l, "after repair")
	if h := l.Health(); len(h.Damage) > 0 || h.ReadOnly != "" {
		t.Errorf("health after repair: got %+v", h)
	}
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() {
		t.Errorf("verify after append: got %+v", rep.Problems)
	}
}
