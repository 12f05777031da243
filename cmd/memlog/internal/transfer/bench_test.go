package transfer

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkReader reads a memory of about 300 bytes of content, a line each.
func BenchmarkReader(b *testing.B) {
	line, err := benchLine().AppendJSON(nil)
	if err != nil {
		b.Fatal(err)
	}
	all := bytes.Repeat(append(line, '\n'), 1000)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(all), ReaderOptions{})
		n := 0
		for _, err := r.Next(); err == nil; _, err = r.Next() {
			n++
		}
		if n != 1000 {
			b.Fatalf("%d lines", n)
		}
	}
}

// BenchmarkWriter writes the same lines.
func BenchmarkWriter(b *testing.B) {
	l := benchLine()
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWriter(io.Discard, FormatJSONL, WriterOptions{})
		if err != nil {
			b.Fatal(err)
		}
		_ = w.Begin(Heading{})
		for range 1000 {
			_ = w.Memory(l)
		}
		if err := w.End(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchLine() Line {
	return Line{
		ID: id(1), Content: string(bytes.Repeat([]byte("Ten chars. "), 27)), Type: "conversation",
		Tags: []string{"session-1", "caroline"}, Metadata: []byte(`{"dia_id": "D1:1", "n": 1}`),
		CreatedAt: at("2023-05-08T13:56:00Z"), UpdatedAt: at("2023-05-08T13:56:00Z"), Version: 1,
	}
}
