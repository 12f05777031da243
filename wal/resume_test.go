package wal

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
)

// What the writer goes on with when it opens a log, the hash and the sparse index of the active
// segment, is that of the segment's bytes: also where a torn end was cut from them.
func TestOpenGoesOnWhereTheSegmentEnds(t *testing.T) {
	const n = 3*indexEvery + 5
	for name, torn := range map[string]string{"whole": "", "torn": "\x40mlr\x01torn"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir, Options{})
			for l.Head().Seq < n {
				mustAppend(t, l, fmt.Sprint("text ", l.Head().Seq+1))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			segment := segmentNames(t, dir)[0]
			writeFile(t, segment, append(readFile(t, segment), torn...))

			l = mustOpen(t, dir, Options{SegmentSize: 1}) // the next record seals it
			for seq := Seq(2); seq <= n; seq++ {
				r, err := l.Read(seq)
				if want := fmt.Sprint("text ", seq); err != nil || string(r.Events[0]) != want {
					t.Fatalf("record %d is %q, want %q: %v", seq, r.Events, want, err)
				}
			}
			mustAppend(t, l, "last of the segment")
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			lines, bad, err := readLines[sealedLine](filepath.Join(dir, logDir, sealedName))
			if err != nil || bad > 0 || len(lines) != 1 {
				t.Fatalf("sealed: %d lines, %d damaged, %v", len(lines), bad, err)
			}
			if got, want := lines[0].SHA256, Hash(sha256.Sum256(readFile(t, segment))); got != want {
				t.Errorf("sealed with the hash %v, its bytes have %v", got, want)
			}
		})
	}
}
