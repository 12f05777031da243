package wal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// crafted is a log of frames that are sound one by one.
type crafted struct {
	headers []header
	body    map[int][]byte // of single frames
	chained bool
}

// newCrafted makes n records, the first one Created.
func newCrafted(n int) *crafted {
	c := &crafted{body: map[int][]byte{}, chained: true}
	for i := range n {
		h := header{seq: Seq(i + 1), epoch: 3, time: int64(1000 + i), wall: 5}
		if i == 0 {
			h.mark = &Mark{Created: &Created{LogID: [16]byte{1}, Format: Format}}
		} else {
			h.mark = &Mark{}
		}
		c.headers = append(c.headers, h)
	}
	return c
}

// write makes a store of one segment; prev is filled in where it is zero.
func (c *crafted) write(t *testing.T) (dir string, offsets []int) {
	t.Helper()
	var b []byte
	prev := Hash{}
	for i, h := range c.headers {
		if h.prev.IsZero() {
			h.prev = prev
		}
		flags := byte(0)
		if h.lost != nil {
			flags = flagLost
		}
		raw := h.encode()
		offsets = append(offsets, len(b))
		b = appendFrame(b, flags, raw, c.body[i])
		r := h.record(raw)
		prev = r.Hash
	}
	dir = quickDir(t)
	if err := os.MkdirAll(filepath.Join(dir, logDir), dirPerm); err != nil {
		t.Fatal(err)
	}
	writeFile(t, segmentPath(dir, 1), b)
	return dir, append(offsets, len(b))
}

func TestCraftedLogs(t *testing.T) {
	lost := func(c *crafted, a LossAccepted, after Hash) {
		c.headers[2].lost, c.headers[2].mark = &Range{3, 3}, nil
		c.headers[3].prev = after
		c.headers[5].mark = &Mark{LossAccepted: &a}
	}
	for _, tt := range []struct {
		name  string
		kind  string // "" = no problem
		spoil func(c *crafted)
	}{
		{"sound", "", func(*crafted) {}},
		{"wrong previous hash", KindChain, func(c *crafted) { c.headers[3].prev = Hash{9} }},
		{"record 1 names one before", KindChain, func(c *crafted) { c.headers[0].prev = Hash{9} }},
		{"epoch falls", KindOrder, func(c *crafted) { c.headers[3].epoch = 2 }},
		{"time stands", KindOrder, func(c *crafted) { c.headers[3].time = c.headers[2].time }},
		{"clock corrected", "", func(c *crafted) {
			for i := 3; i < 6; i++ {
				c.headers[i].time -= 900
			}
			c.headers[3].mark = &Mark{ClockCorrected: &ClockCorrected{fromMicro(1002)}}
		}},
		{"event does not match", KindDecode, func(c *crafted) {
			c.body[3], c.headers[3].digests = sealEvents([][]byte{{1}}, func([]byte) {})
			c.body[3] = slices.Clone(c.body[3])
			c.body[3][len(c.body[3])-1] ^= 1
		}},
		{"length not in shortest form", KindDecode, func(c *crafted) {
			body, digests := sealEvents([][]byte{{1}}, func([]byte) {})
			c.body[3], c.headers[3].digests = append([]byte{0x81, 0}, body[1:]...), digests
		}},
		{"loss accepted", "", func(c *crafted) {
			lost(c, LossAccepted{3, 3, Hash{7}}, Hash{7})
		}},
		{"loss accepted with another hash", KindChain, func(c *crafted) {
			lost(c, LossAccepted{3, 3, Hash{8}}, Hash{7})
		}},
		{"another loss accepted", KindLost, func(c *crafted) {
			lost(c, LossAccepted{2, 3, Hash{7}}, Hash{7})
		}},
		{"loss not accepted", KindLost, func(c *crafted) {
			lost(c, LossAccepted{3, 3, Hash{7}}, Hash{7})
			c.headers[5].mark = &Mark{}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrafted(6)
			tt.spoil(c)
			dir, _ := c.write(t)
			rep := mustVerify(t, dir)
			if tt.kind == "" && !rep.OK() {
				t.Errorf("verify: got %v, want no problem", rep.Problems)
			}
			named := func(p CorruptionError) bool { return p.Kind == tt.kind }
			if tt.kind != "" && !slices.ContainsFunc(rep.Problems, named) {
				t.Errorf("verify: got %v, want kind %q", rep.Problems, tt.kind)
			}
		})
	}
}

// TestTornBatch damages one record of the last batch, where no witness is: whether it was
// acknowledged is known from the records behind it alone.
func TestTornBatch(t *testing.T) {
	for _, oneBatch := range []bool{true, false} {
		t.Run(fmt.Sprint(oneBatch), func(t *testing.T) {
			c := newCrafted(7)
			if oneBatch {
				for i := 4; i < 7; i++ {
					c.headers[i].batch = uint64(i - 4)
				}
			}
			dir, offsets := c.write(t)
			name := segmentPath(dir, 1)
			b := readFile(t, name)
			b[offsets[4]+30] ^= 1
			writeFile(t, name, b)
			rep := mustVerify(t, dir)
			l := mustOpen(t, dir, Options{disk: quickDisk()})
			head := l.Head().Seq
			l.Close()
			torn, _ := filepath.Glob(filepath.Join(dir, quarantineDir, "*.torn"))
			if oneBatch && (!rep.OK() || head != 4 || len(torn) != 1 ||
				len(readFile(t, torn[0])) != len(b)-offsets[4]) {
				t.Errorf("one batch: got %v, head %d, quarantine %v", rep.Problems, head, torn)
			}
			if !oneBatch && (rep.OK() || head != 7 || len(torn) != 0) {
				t.Errorf("three batches: got %v, head %d, quarantine %v", rep.Problems, head, torn)
			}
		})
	}
}

// TestZeroTail appends what a crash after growing the file leaves.
func TestZeroTail(t *testing.T) {
	for _, n := range []int{1, 100, 4096} {
		dir := buildLog(t, 5, 1<<20)
		name := segmentNames(t, dir)[0]
		whole := readFile(t, name)
		writeFile(t, name, append(slices.Clone(whole), make([]byte, n)...))
		l := mustOpen(t, dir, Options{disk: quickDisk()})
		if r, err := l.Append(context.Background(), entry("next")); err != nil || r.Seq != 6 {
			t.Errorf("%d zeros: append got seq %d, %v", n, r.Seq, err)
		}
		l.Close()
		if rep := mustVerify(t, dir); !rep.OK() || rep.Records != 6 {
			t.Errorf("%d zeros: verify got %+v", n, rep)
		}
	}
}

// TestLongPrefix spells a frame's length in one byte more than it needs.
func TestLongPrefix(t *testing.T) {
	dir, offsets := newCrafted(3).write(t)
	b := readFile(t, segmentPath(dir, 1))
	at := offsets[1]
	long := slices.Concat(b[:at], []byte{b[at] | 0x80, 0}, b[at+1:])
	writeFile(t, segmentPath(dir, 1), long)
	rep := mustVerify(t, dir)
	if len(rep.Problems) != 1 || rep.Problems[0].Offset != int64(at) || rep.Records != 3 {
		t.Errorf("verify: got %+v", rep)
	}
}
