package wal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// sealedLine is what sealed.jsonl says of one complete segment. It is derived from the
// segment and is made again where it is lost.
type sealedLine struct {
	First     Seq    `json:"first"`
	Last      Seq    `json:"last"`
	Bytes     int64  `json:"bytes"`
	SHA256    Hash   `json:"sha256"`    // of the file
	Prev      Hash   `json:"prev"`      // chain hash of the record before the first
	LastHash  Hash   `json:"last_hash"` // chain hash of the last record
	FirstTime int64  `json:"first_time"`
	LastTime  int64  `json:"last_time"`
	Epoch     uint64 `json:"epoch"` // of the last record
	Eras      []era  `json:"eras,omitempty"`
	EndsLost  bool   `json:"ends_lost,omitempty"` // the last record is a Lost frame
}

// era is a place where recorded time went back, because the clock had been wrong.
type era struct {
	Seq  Seq   `json:"seq"`
	Time int64 `json:"time"`
}

// lineSum is the form of the checksum that ends every line of a .jsonl file.
const (
	lineSum     = `,"sum":"%08x"}`
	lineSumSize = len(`,"sum":"00000000"}`)
)

// encodeLine returns v, a struct, as a JSON line that ends in a checksum of itself.
func encodeLine(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := crc32.Checksum(b, castagnoli)
	return append(fmt.Appendf(b[:len(b)-1], lineSum, sum), '\n'), nil
}

// decodeLine reads what encodeLine wrote, without the line feed.
func decodeLine(b []byte, v any) error {
	if len(b) < lineSumSize {
		return errChecksum
	}
	text := append(bytes.Clone(b[:len(b)-lineSumSize]), '}')
	sum := fmt.Sprintf(lineSum, crc32.Checksum(text, castagnoli))
	if sum != string(b[len(b)-lineSumSize:]) {
		return errChecksum
	}
	return json.Unmarshal(text, v)
}

// readLines reads a .jsonl file. Lines that are not as they were written are counted and
// left out; a missing file has no lines.
func readLines[T any](name string) (lines []T, bad int, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", filepath.Base(name), err)
	}
	for line := range bytes.Lines(b) {
		var v T
		if decodeLine(bytes.TrimSuffix(line, []byte("\n")), &v) != nil {
			bad++
			continue
		}
		lines = append(lines, v)
	}
	return lines, bad, nil
}

// appendLine adds a durable line to a .jsonl file. A line that an interrupted write left
// unfinished is ended first.
func (d *disk) appendLine(name string, v any) error {
	line, err := encodeLine(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR, filePerm)
	if errors.Is(err, os.ErrNotExist) {
		return d.writeFile(name, line)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := fileSize(f)
	if err != nil {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); size > 0 && err == nil && last[0] != '\n' {
		line = append([]byte("\n"), line...)
	}
	if _, err := d.writeAt(f, line, size); err != nil {
		return err
	}
	return d.sync(f)
}

// writeLines replaces a .jsonl file.
func writeLines[T any](d *disk, name string, lines []T) error {
	var all []byte
	for _, v := range lines {
		line, err := encodeLine(v)
		if err != nil {
			return err
		}
		all = append(all, line...)
	}
	return d.writeFile(name, all)
}

func fileSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
