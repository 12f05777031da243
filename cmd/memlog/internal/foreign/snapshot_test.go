package foreign

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// between does something at the nth look at a context, which the copying takes at every read.
type between struct {
	context.Context
	n  int
	do func()
}

func (b *between) Err() error {
	if b.n--; b.n == 0 {
		b.do()
	}
	return b.Context.Err()
}

// TestCopyBesideWriter changes the beginning and the end of a file together while it is copied, at
// every read in turn: the copy has both changes or none.
func TestCopyBesideWriter(t *testing.T) {
	for n := 1; n < 40; n++ {
		path := filepath.Join(t.TempDir(), "live.db")
		old := make([]byte, 300<<10)
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		b := &between{Context: t.Context(), n: n, do: func() {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for _, at := range []int64{0, int64(len(old) - 1)} {
				if _, err := f.WriteAt([]byte{1}, at); err != nil {
					t.Error(err)
				}
			}
		}}
		dir, err := copyDatabase(b, path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir.Path, copyName))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(old) || got[0] != got[len(got)-1] || bytes.Count(got, []byte{1})%2 != 0 {
			t.Errorf("changed at read %d: the copy is of two moments", n)
		}
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	}
}
