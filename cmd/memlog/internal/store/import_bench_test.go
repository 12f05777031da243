package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// importLines is a source of so many lines, made as they are read.
type importLines struct {
	n, of  int
	linked bool // as they come from another tool: with derived ids, aliases, and links to and fro
	rng    *rand.Rand
	buf    []byte
}

func (s *importLines) Read(p []byte) (int, error) {
	for len(s.buf) == 0 {
		if s.n == s.of {
			return 0, io.EOF
		}
		b, err := s.line().AppendJSON(s.buf[:0])
		if err != nil {
			return 0, err
		}
		s.buf = append(b, '\n')
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// line makes a memory of about 300 characters out of 20,000 words.
func (s *importLines) line() transfer.Line {
	var text strings.Builder
	for text.Len() < 300 {
		fmt.Fprintf(&text, "word%d ", int(s.rng.ExpFloat64()*2000)%20_000)
	}
	i := s.n
	s.n++
	l := transfer.Line{Content: fmt.Sprint(i, " ", text.String()), Type: "note",
		Tags: []string{fmt.Sprint("tag", i%50), "imported"}, Metadata: []byte(fmt.Sprintf(`{"n": %d}`, i)),
		CreatedAt: time.Unix(1_700_000_000+int64(i), 0)}
	if s.linked {
		name := fmt.Sprint("bench ", i)
		l.ID, l.Aliases, l.IDOfText = event.DerivedID(name), []string{name}, true
		if i%5 == 0 {
			l.Links = []event.Link{{From: l.ID, Type: "related",
				To: event.DerivedID(fmt.Sprint("bench ", i*7919%s.of))}}
		}
	}
	return l
}

// writeLines makes a source into a file, so that what is measured reads it as an import does.
func writeLines(b *testing.B, name string, src io.Reader) {
	f, err := os.Create(name)
	if err == nil {
		_, err = io.Copy(f, src)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkImport imports 100,000 memories into a fresh store, every chunk synced: plain lines, and
// lines as they come from another tool's store.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	for _, linked := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "foreign"}[linked], func(b *testing.B) {
			lines := filepath.Join(b.TempDir(), "lines.jsonl")
			writeLines(b, lines, &importLines{of: n, linked: linked, rng: rand.New(rand.NewPCG(1, 2))})
			for b.Loop() {
				s, err := Open(context.Background(), b.TempDir(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				src, err := os.Open(lines)
				if err != nil {
					b.Fatal(err)
				}
				res, err := s.Import(context.Background(), src, memory.ImportRequest{Name: "bench"})
				if err != nil || res.Imported != n || len(res.Rejected) > 0 {
					b.Fatalf("imported %d, rejected %d: %v", res.Imported, len(res.Rejected), err)
				}
				if err := errors.Join(src.Close(), s.Close()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "memories/s")
		})
	}
}
