package bench

import (
	"path/filepath"
	"testing"
)

// The measure finds what an exact scan finds, and counts what it does not find.
func TestReadVectors(t *testing.T) {
	o := SearchOptions{N: 5_000, Queries: 10}
	dir := filepath.Join(t.TempDir(), "index")
	if _, err := BuildVectors(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	r, err := ReadVectors(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Recall10 < 0.9 || r.RecallTenth < 0.9 || r.Recall10 > 1 || r.Vector.N != o.Queries {
		t.Errorf("%+v", r)
	}
	wrong := make([][]int, o.Queries)
	if err := r.compare(t.Context(), NewClusters(), wrong, wrong); err != nil || r.Recall10 != 0 {
		t.Errorf("recall of nothing is %v, %v", r.Recall10, err)
	}
}
