package wal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// formatTable returns the rows of the first table behind a heading or marker of FORMAT.md.
func formatTable(t *testing.T, after string) [][]string {
	t.Helper()
	b, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), after)
	if !ok {
		t.Fatalf("FORMAT.md has no %q", after)
	}
	var rows [][]string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		var row []string
		for _, cell := range strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) < 3 {
		t.Fatalf("no table behind %q", after)
	}
	return rows[2:]
}

// column joins the named columns of a table.
func column(rows [][]string, cols ...int) []string {
	var all []string
	for _, r := range rows {
		var cells []string
		for _, c := range cols {
			cells = append(cells, r[c])
		}
		all = append(all, strings.Join(cells, " "))
	}
	return all
}

func TestFormatMatchesCode(t *testing.T) {
	frameRows := formatTable(t, "## Frame")
	if got, want := column(frameRows, 0, 1), []string{"0 4", "4 4", "8 1", "9 3", "12 4", "16 4",
		fmt.Sprint(frameFixed, " H"), fmt.Sprintf("%d+H B", frameFixed)}; !cmp.Equal(got, want) {
		t.Errorf("frame: got %v, want %v", got, want)
	}
	wantMagic(t, frameRows[0][2], magic)
	if got := fmt.Sprintf("flags: bit %d purged, bit %d lost; others zero",
		bit(flagPurged), bit(flagLost)); got != frameRows[2][2] {
		t.Errorf("flags: got %q, want %q", got, frameRows[2][2])
	}
	keys := map[string]int{"seq": keySeq, "epoch": keyEpoch, "prev": keyPrev, "time": keyTime,
		"wall": keyWall, "request": keyRequest, "group": keyGroup, "provenance": keyProvenance,
		"digests": keyDigests, "mark": keyMark, "lost": keyLost, "batch": keyBatch}
	checkKeys(t, formatTable(t, "covered by the digests"), keys)
	checkKeys(t, formatTable(t, "Marks are facts"), map[string]int{"created": markCreated,
		"forked": markForked, "loss accepted": markLossAccepted,
		"clock corrected": markClockCorrected})
	head := formatTable(t, "## HEAD")
	wantMagic(t, head[0][2], headMagic)
	if got := column(head, 0, 1); !cmp.Equal(got,
		[]string{"0 4", "4 4", "8 8", "16 32", "48 8", fmt.Sprint(headSlot-8, " 8")}) {
		t.Errorf("HEAD: got %v", got)
	}
	limits := []string{fmt.Sprint(MaxRecord, " bytes"), fmt.Sprint(MaxHeader, " bytes"),
		fmt.Sprint(MaxEvents), fmt.Sprint(MaxID, " bytes"), fmt.Sprint(MaxProvenance, " bytes"),
		fmt.Sprint(MaxNumber), fmt.Sprintf("%d to %d µs: years 1 to 9999", MinTime, MaxTime),
		fmt.Sprint(MaxLost)}
	if got := column(formatTable(t, "## Limits"), 1); !cmp.Equal(got, limits) {
		t.Errorf("limits: got %v, want %v", got, limits)
	}
}

func bit(mask int) int {
	n := 0
	for mask >>= 1; mask > 0; mask >>= 1 {
		n++
	}
	return n
}

func wantMagic(t *testing.T, cell, want string) {
	t.Helper()
	_, digits, _ := strings.Cut(cell, "`")
	digits, _, _ = strings.Cut(digits, "`")
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil || string(b) != want {
		t.Errorf("magic: FORMAT.md has %x, code has %x", b, want)
	}
}

func checkKeys(t *testing.T, rows [][]string, keys map[string]int) {
	t.Helper()
	if len(rows) != len(keys) {
		t.Errorf("keys: FORMAT.md has %d, code has %d", len(rows), len(keys))
	}
	for _, r := range rows {
		if fmt.Sprint(keys[r[1]]) != r[0] {
			t.Errorf("key %s: FORMAT.md has %s, code has %d", r[1], r[0], keys[r[1]])
		}
	}
}

// goldenHeader has every field; its bytes must never change.
func goldenHeader() header {
	return header{seq: 131, epoch: 7, prev: Hash{1, 2}, time: 1748779200000001,
		wall: -5, requestID: "r", groupID: "g", digests: []Hash{{9}},
		provenance: Provenance{"c", "1.0", "s", "/p", "u", "h", "why"},
		mark:       &Mark{LossAccepted: &LossAccepted{From: 5, To: 6, After: Hash{3}}}, batch: 2}
}

func TestGoldenHeader(t *testing.T) {
	h := goldenHeader()
	got := hex.EncodeToString(h.encode())
	pad := strings.Repeat("00", 30)
	want := "ab" + "011883" + "0207" + "0358200102" + pad + "041b000636816301b001" + "0524" +
		"066172" + "076167" + "08a7" + "016163" + "0263312e30" + "036173" + "04622f70" +
		"056175" + "066168" + "0763776879" + "09815820" + "0900" + pad + "0aa103830506" + "5820" +
		"0300" + pad + "0c02"
	if got != want {
		t.Errorf("header:\n got %s\nwant %s", got, want)
	}
	back, err := decodeHeader(h.encode())
	if err != nil || !cmp.Equal(back, h, cmp.AllowUnexported(header{})) {
		t.Errorf("decode: %v\n%s", err, cmp.Diff(back, h, cmp.AllowUnexported(header{})))
	}
}

func TestHeaderMarksRoundTrip(t *testing.T) {
	at := time.UnixMicro(1748779200000001).UTC()
	for _, m := range []*Mark{{Created: &Created{[16]byte{1}, 1}},
		{Forked: &Forked{[16]byte{1}, Position{9, Hash{2}}, [16]byte{3}}},
		{ClockCorrected: &ClockCorrected{at}}} {
		h := header{seq: 1, mark: m}
		got, err := decodeHeader(h.encode())
		if err != nil || !cmp.Equal(got.mark, m) {
			t.Errorf("mark: got %+v, %v, want %+v", got.mark, err, m)
		}
	}
}

func TestHeaderFromNewerVersion(t *testing.T) {
	h := header{seq: 9, epoch: 1}
	b := append(h.encode(), 0x18, 0x40, 0x82, 0x01, 0xa1, 0x01, 0x41, 0x00)
	b[0]++
	got, err := decodeHeader(b)
	if err != nil || got.seq != 9 {
		t.Errorf("unknown key: got %+v, %v", got, err)
	}
	raw := appendFrame(nil, 0, b, nil)
	f, err := decodeFrame(raw[prefixSize(raw):])
	if err != nil || !bytes.Equal(f.raw, b) {
		t.Errorf("frame: %v, header bytes kept: %v", err, bytes.Equal(f.raw, b))
	}
}

func TestHeaderRefusesOtherEncodings(t *testing.T) {
	good := (&header{seq: 9, epoch: 1}).encode()
	for name, b := range map[string][]byte{
		"empty":           {},
		"long integer":    append([]byte{good[0], 1, 0x18, 9}, good[3:]...),
		"keys descending": append([]byte{good[0], 2, 1, 1, 9}, good[5:]...),
		"left over":       append(bytes.Clone(good), 0),
		"cut":             good[:len(good)-1],
		"indefinite map":  append([]byte{0xbf}, good[1:]...),
		"no seq":          {0xa0},
	} {
		if _, err := decodeHeader(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDestroyEvent(t *testing.T) {
	body, digests := sealEvents([][]byte{[]byte("one"), []byte("secret"), []byte("three")},
		func(b []byte) { copy(b, "sixteen bytes...") })
	h := header{seq: 1, digests: digests}
	whole := appendFrame(nil, 0, h.encode(), body)
	before, err := decodeFrame(whole[prefixSize(whole):])
	if err != nil {
		t.Fatal(err)
	}
	less, err := destroyEvent(whole, 1)
	if err != nil {
		t.Fatal(err)
	}
	after, err := decodeFrame(less[prefixSize(less):])
	if err != nil || after.flags != flagPurged {
		t.Fatalf("purged frame: flags %x, %v", after.flags, err)
	}
	want := before.record
	want.Events = [][]byte{[]byte("one"), nil, []byte("three")}
	if diff := cmp.Diff(after.record, want); diff != "" {
		t.Errorf("record (got, want):\n%s", diff)
	}
	if bytes.Contains(less, []byte("secret")) {
		t.Errorf("the bytes are still there")
	}
	if _, err := destroyEvent(less, 3); err == nil {
		t.Errorf("event 3 of 3 was destroyed")
	}
	if _, err := destroyEvent(less, 1); err != nil {
		t.Errorf("destroy again: %v", err)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	body, digests := sealEvents([][]byte{[]byte("one"), []byte("two")}, func([]byte) {})
	h := goldenHeader()
	h.digests = digests
	whole := appendFrame(nil, 0, h.encode(), body)
	f.Add(whole[prefixSize(whole):])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeFrame(b)
		if err != nil {
			return
		}
		again := appendFrame(nil, got.flags, got.raw, got.body)
		if !bytes.Equal(again[prefixSize(again):], b) {
			t.Errorf("frame is not encoded as it was")
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	h := goldenHeader()
	f.Add(h.encode())
	f.Add((&header{seq: 1, lost: &Range{1, 2}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeHeader(b)
		if err != nil {
			return
		}
		again, err := decodeHeader(got.encode())
		if err != nil || !cmp.Equal(again, got, cmp.AllowUnexported(header{})) {
			t.Errorf("header changes: %v\n%s", err,
				cmp.Diff(again, got, cmp.AllowUnexported(header{})))
		}
	})
}

// FuzzScan lets the scanner loose on any bytes: it must end, cover every byte once, and
// find what was not touched.
func FuzzScan(f *testing.F) {
	var log []byte
	prev := Hash{}
	for i := range 5 {
		h := header{seq: Seq(i + 1), prev: prev}
		log = appendFrame(log, 0, h.encode(), nil)
		r := h.record(h.encode())
		prev = r.Hash
	}
	f.Add(log, 3, byte(1))
	f.Fuzz(func(t *testing.T, b []byte, at int, x byte) {
		if len(b) > 0 {
			b[uint(at)%uint(len(b))] ^= x
		}
		s, end := newScanner(bytes.NewReader(b), 0), int64(0)
		for {
			it, err := s.next()
			if err != nil {
				break
			}
			if it.off != end || it.end < it.off || it.end == it.off && it.gap == nil {
				t.Fatalf("step %d..%d behind %d", it.off, it.end, end)
			}
			end = it.end
		}
		if end != int64(len(b)) {
			t.Fatalf("ended at %d of %d", end, len(b))
		}
	})
}
