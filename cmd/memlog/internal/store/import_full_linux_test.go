package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// TestImportDiskFull fills the disk in the middle of an import. What came in before is whole chunks,
// the error says what to do, and with room again the same import brings the rest and nothing twice.
func TestImportDiskFull(t *testing.T) {
	disk := smallDisk(t, "24m")
	other := filepath.Join(disk, "other")
	s, err := store.Open(context.Background(), filepath.Join(disk, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 6000
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"content":"line %d %s","metadata":{"n":%d}}`+"\n", i,
			strings.Repeat("x", 300), i)
	}
	bring := func(at int) (memory.ImportResult, error) {
		src := &filler{Reader: strings.NewReader(text.String()), at: at, full: func() { glut(t, other) }}
		return s.Import(context.Background(), src, memory.ImportRequest{Name: "file"})
	}
	res, err := bring(text.Len() / 2)
	if err := clearRefusal(err); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats(context.Background())
	if err != nil || st.Memories != res.Imported || st.Memories == 0 || st.Memories >= n {
		t.Fatalf("%d memories, %d reported, of %d (%v)", st.Memories, res.Imported, n, err)
	}
	again, err := bring(-1)
	if err := clearRefusal(err); err != nil {
		t.Fatalf("still full: %v", err)
	}
	if again.Imported != 0 || again.Present != res.Imported {
		t.Errorf("still full: %+v", again)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	rest, err := bring(-1)
	if err != nil || rest.Present != res.Imported || rest.Imported != n-res.Imported ||
		rest.Repeated != 0 {
		t.Fatalf("with room again: %+v (%v)", rest, err)
	}
	if st, err := s.Stats(context.Background()); err != nil || st.Memories != n {
		t.Errorf("%d memories, want %d (%v)", st.Memories, n, err)
	}
	verified(t, s)
}

// filler is a source at one place of which something happens.
type filler struct {
	*strings.Reader
	at   int // -1: nowhere
	full func()
}

func (f *filler) Read(p []byte) (int, error) {
	if f.at >= 0 && int(f.Size())-f.Len() >= f.at {
		f.at = -1
		f.full()
	}
	return f.Reader.Read(p)
}
