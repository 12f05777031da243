package index

import (
	"sync"
	"testing"
)

// Views stand still while the writer goes on, whoever reads them; run with -race.
func TestViewsBesideTheWriter(t *testing.T) {
	const records = 300
	totals := make([]int, records+1) // live documents after each record
	plain := open(t, MemFS())
	for seq := range uint64(records) {
		fill(t, plain, seq+1, 1)
		v := view(t, plain)
		p, err := v.List(Filter{}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		totals[seq+1] = p.Total
		done(t, v)
	}
	done(t, plain)

	d := open(t, MemFS())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for d.Checkpoint().Seq < records {
				v, err := d.View()
				if err != nil {
					t.Error(err)
					return
				}
				readAll(t, v, totals[v.Seq()])
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	fill(t, d, records, 3)
	wg.Wait()
	done(t, d)
}

func readAll(t *testing.T, v *View, want int) {
	p, err := v.List(Filter{}, "", 5)
	if err != nil || p.Total != want {
		t.Errorf("as of %d: list of %d, %v, want %d", v.Seq(), p.Total, err, want)
	}
	if s, err := v.Stats(); err != nil || s.Live != uint64(want) {
		t.Errorf("as of %d: totals %+v, %v, want %d live", v.Seq(), s, err, want)
	}
	f := Filter{Tags: []string{"a"}}
	hits, err := v.Search(Query{Text: "alpha the fox", Limit: 3, Filter: f})
	if err != nil {
		t.Errorf("as of %d: search: %v", v.Seq(), err)
	}
	for _, h := range hits {
		if d, ok, err := v.Doc(h.Doc.ID); err != nil || !ok || d.Row != h.Doc.Row {
			t.Errorf("as of %d: %s was found, and is there: %v, %v", v.Seq(), h.Doc.ID, ok, err)
		}
	}
}
