package wal

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// oddReader reads a few bytes or many, as it likes.
type oddReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (o *oddReader) Read(b []byte) (int, error) {
	n := 1 + o.rng.IntN(len(b))
	if o.rng.IntN(4) == 0 {
		n = min(len(b), 1+o.rng.IntN(40))
	}
	return o.r.Read(b[:n])
}

// TestScanReusesMemory holds what a scanner finds, whose memory is smaller than the file and used
// again and again, against one that has the whole file before it.
func TestScanReusesMemory(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			file := oddFrames(rng)
			want := steps(t, &scanner{buf: file, eof: true})
			for name, r := range map[string]io.Reader{
				"at once": bytes.NewReader(file), "odd": &oddReader{bytes.NewReader(file), rng},
			} {
				s := newScanner(r, 0)
				got := steps(t, s)
				if len(got) != len(want) {
					t.Fatalf("%s: %d steps, want %d", name, len(got), len(want))
				}
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("%s: step %d: got %s, want %s", name, i, got[i], want[i])
					}
				}
				if most := 2*(1<<20) + scanChunk; len(s.mem) > most {
					t.Errorf("%s: memory of %d bytes for frames of a MiB", name, len(s.mem))
				}
			}
		})
	}
}

// oddFrames are chained frames from the smallest to a MiB, several chunks of them, some damaged:
// bytes flipped, cut out, put in, or zero.
func oddFrames(rng *rand.Rand) []byte {
	var file []byte
	var prev Hash
	for seq := Seq(1); len(file) < 6*scanChunk; seq++ {
		n := rng.IntN(300)
		if rng.IntN(10) == 0 {
			n = rng.IntN(1<<20 - 200)
		}
		events := [][]byte{make([]byte, n+1)}
		for i := range events[0] {
			events[0][i] = byte(rng.Uint32())
		}
		body, digests := sealEvents(events, func(b []byte) { clear(b) })
		h := header{seq: seq, epoch: 1, prev: prev, time: 1e15 + int64(seq), digests: digests}
		raw := h.encode()
		r := h.record(raw)
		prev = r.Hash
		file = appendFrame(file, 0, raw, body)
	}
	for range rng.IntN(6) {
		at := rng.IntN(len(file) - 2000)
		switch n := 1 + rng.IntN(1000); rng.IntN(4) {
		case 0:
			file[at] ^= byte(1 + rng.IntN(255))
		case 1:
			file = append(file[:at:at], file[at+n:]...)
		case 2:
			file = append(file[:at:at], append(make([]byte, n), file[at:]...)...)
		case 3:
			clear(file[at : at+n])
		}
	}
	return file[:len(file)-rng.IntN(200)]
}

// steps are all steps of a scan, in words.
func steps(t *testing.T, s *scanner) []string {
	t.Helper()
	var all []string
	for {
		it, err := s.next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if it.gap != nil {
			all = append(all, fmt.Sprintf("%d to %d: %v, zeros %v", it.off, it.end, it.gap, it.zeros))
			continue
		}
		all = append(all, fmt.Sprintf("%d to %d: record %d, %x", it.off, it.end,
			it.frame.header.seq, it.frame.record.Events))
	}
}

// TestRecordsOutliveTheReading keeps all records of a reading that goes through more than it has
// memory for; most have several events.
func TestRecordsOutliveTheReading(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{disk: quickDisk()})
	var want []string
	for i := range 40 {
		e := Entry{RequestID: fmt.Sprint(i)}
		for k := range 1 + i%3 {
			text := bytes.Repeat([]byte{byte('a' + i%26), byte('0' + k)}, 10_000)
			e.Events = append(e.Events, text)
			want = append(want, string(text))
		}
		if _, err := l.Append(t.Context(), func() (Entry, error) { return e, nil }); err != nil {
			t.Fatal(err)
		}
	}
	var all []Record
	for r, err := range l.Records(2, l.Head().Seq) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	var got []string
	for _, r := range all {
		for i, e := range r.Events {
			got = append(got, string(e))
			r.Events[i] = append(e, "and more"...) // is nobody else's memory
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, want %d, or they differ", len(got), len(want))
	}
}
