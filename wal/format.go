package wal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
)

// storeFormat is what the file FORMAT says.
type storeFormat struct {
	reads, writes uint64 // the format a program must know to read, to write the store
	id            [16]byte
}

// encode returns the file's text: three lines and a checksum over them.
func (s storeFormat) encode() []byte {
	text := fmt.Sprintf("memlog store\nreads %d\nwrites %d\nid %x\n", s.reads, s.writes, s.id)
	sum := crc32.Checksum([]byte(text), castagnoli)
	return fmt.Appendf([]byte(text), "sum %08x\n", sum)
}

// errFormatDamaged: FORMAT is not as it was written; record 1 says the same.
var errFormatDamaged = errors.New("FORMAT is damaged")

// readFormat reads FORMAT; ErrNotFound if there is none.
func readFormat(dir string) (storeFormat, error) {
	b, err := os.ReadFile(filepath.Join(dir, formatName))
	if errors.Is(err, os.ErrNotExist) {
		return storeFormat{}, ErrNotFound
	}
	if err != nil {
		return storeFormat{}, fmt.Errorf("read FORMAT: %w", err)
	}
	at := strings.LastIndex(string(b), "sum ")
	if at < 0 || string(b[at:]) != fmt.Sprintf("sum %08x\n", crc32.Checksum(b[:at], castagnoli)) {
		return storeFormat{}, errFormatDamaged
	}
	var s storeFormat
	for line := range strings.Lines(string(b[:at])) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "reads":
			_, err = fmt.Sscan(value, &s.reads)
		case "writes":
			_, err = fmt.Sscan(value, &s.writes)
		case "id":
			_, err = hex.Decode(s.id[:], []byte(value)[:min(len(value), 2*len(s.id))])
		}
		if err != nil {
			return storeFormat{}, errFormatDamaged
		}
	}
	return s, nil
}
