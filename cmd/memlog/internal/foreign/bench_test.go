package foreign

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkServiceDB reads a database of mcp-memory-service to its end, as lines.
func BenchmarkServiceDB(b *testing.B) {
	const n = 20_000
	path := filepath.Join(b.TempDir(), "bench.db")
	db := written(b, path, serviceSchema)
	must(b, db, "BEGIN")
	text := strings.Repeat("Ten chars. ", 27)
	last := ""
	for i := range n {
		hash := addMemory(b, db, fmt.Sprint(i, " ", text), "session-1,caroline", `{"n":1}`,
			1700000000+float64(i))
		if i%5 == 1 {
			must(b, db, `INSERT INTO memory_graph VALUES (?, ?, 0.5, '[]', NULL, 1.0, 'related')`, hash, last)
		}
		last = hash
	}
	must(b, db, "COMMIT")
	b.ReportAllocs()
	for b.Loop() {
		s, err := Survey(b.Context(), path, Options{})
		if err != nil || s.Entries != n || s.Links != n/5 {
			b.Fatal(s, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "memories/s")
}
