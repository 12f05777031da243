package store

import (
	"context"
	"fmt"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// TestDigestIsNoted holds a noted digest against the replay, and sees that a wrong one is found.
func TestDigestIsNoted(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	for i := range DigestEvery - 1 {
		_, err := s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{{Content: fmt.Sprint("m ", i)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	noted := 0
	for r, err := range s.Log(ctx, memory.LogRequest{Kind: "digested"}) {
		if err != nil {
			t.Fatal(err)
		}
		noted++
		if got, want := fmt.Sprint(r.Events[0].Fields["seq"]), fmt.Sprint(DigestEvery); got != want {
			t.Errorf("digest is of record %s, want %s", got, want)
		}
	}
	if noted != 1 {
		t.Errorf("%d digests noted, want 1", noted)
	}
	res, err := s.Verify(ctx, memory.VerifyRequest{Deep: true})
	if err != nil || !res.OK || len(res.Notes) > 0 {
		t.Errorf("verify: %+v %v", res, err)
	}
}
