package store

import (
	"context"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestFirstPath(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	res, err := s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{
		{Content: "The deploy key lives in the vault", Tags: []string{"ops"}},
		{Content: "Use tabs in Makefiles", Tags: []string{"style"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Stored) != 2 || !res.Stored[0].Created {
		t.Fatalf("%+v", res)
	}
	found, err := s.Search(ctx, memory.SearchRequest{Query: "deploying keys"})
	if err != nil || len(found.Hits) == 0 || found.Hits[0].ID != res.Stored[0].ID {
		t.Fatalf("%+v %v", found, err)
	}
}
