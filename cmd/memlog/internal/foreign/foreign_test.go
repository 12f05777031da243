package foreign

import (
	"errors"
	"io"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
)

// readAllOf reads an input to its end, through the reader that the store has.
func readAllOf(t *testing.T, path string, o Options) ([]transfer.Line, Summary, []memory.Rejected) {
	t.Helper()
	in, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}()
	var lines []transfer.Line
	rd := transfer.NewReader(in, transfer.ReaderOptions{})
	var rejected []memory.Rejected
	for {
		item, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if item.Rejected != nil {
			rejected = append(rejected, in.Place(*item.Rejected))
			continue
		}
		lines = append(lines, *item.Memory)
	}
	unread, _ := in.Rejected()
	return lines, in.Summary(), append(rejected, unread...)
}
