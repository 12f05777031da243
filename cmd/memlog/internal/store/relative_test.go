package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// "Yesterday" is the day before the question, by the store's clock, and as of a moment of the past
// the day before that.
func TestSearchYesterday(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	s, err := Open(context.Background(), t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for ; now.Day() < 20; now = now.Add(24 * time.Hour) {
		storeTexts(t, s, fmt.Sprintf("the deploy of day %d", now.Day()))
	}
	for _, c := range []struct {
		asOf memory.Moment
		want string
	}{
		{want: "the deploy of day 19"},
		{memory.Moment{Time: time.Date(2026, 12, 9, 12, 0, 0, 0, time.UTC)}, "the deploy of day 8"},
		{memory.Moment{Seq: 6}, "the deploy of day 4"}, // record 1 began the log
	} {
		r, err := s.Search(context.Background(),
			memory.SearchRequest{Query: "deploy yesterday", AsOf: c.asOf})
		if err != nil {
			t.Fatal(err)
		}
		firstHit(t, r, c.want)
	}
}
