package store

import (
	"fmt"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// TestUndoLargerThanARecord deletes more than one record of restored memories can hold, and takes
// it back: in several records, one group, undone as one.
func TestUndoLargerThanARecord(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	ctx := t.Context()
	s := open(t, t.TempDir())
	text := strings.Repeat("0123456789abcdef ", memory.MaxContent/17-10)
	const n = 80
	for i := range n {
		_, err := s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{
			{Content: fmt.Sprint(i, " ", text), Tags: []string{"big"}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(ctx, memory.DeleteRequest{Filter: memory.Filter{Tags: []string{"big"}}}); err != nil {
		t.Fatal(err)
	}
	res, err := s.Undo(ctx, memory.UndoRequest{})
	if err != nil || len(res.Affected) != n {
		t.Fatalf("%d affected, %v; want %d", len(res.Affected), err, n)
	}
	after, err := s.Stats(ctx)
	if err != nil || after.Digest != before.Digest || after.Records < before.Records+3 {
		t.Errorf("digest %s, want %s; %d records, want several more than %d (%v)",
			after.Digest, before.Digest, after.Records, before.Records, err)
	}
	again, err := s.Undo(ctx, memory.UndoRequest{Seq: res.Seq})
	if err != nil || len(again.Affected) != n {
		t.Errorf("undo of the undo: %d affected, %v; want %d", len(again.Affected), err, n)
	}
}
