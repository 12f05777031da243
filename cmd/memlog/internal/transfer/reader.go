package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
)

// The limits of reading.
const (
	// MaxLine bounds a line in bytes, without its line break. The largest record of a log is
	// 64 MiB, of which base64 makes 86.
	MaxLine = 96 << 20
	// MaxNotes bounds the different fields that are noted by name; the others are counted as one.
	MaxNotes = 100
	// keptBuffer is how large a buffer is kept from line to line.
	keptBuffer = 1 << 20
)

const (
	lineBreak     = "\r\n"
	byteOrderMark = "\ufeff"
)

// ReaderOptions say how to read. The zero value works.
type ReaderOptions struct {
	Source  string         // name of what is read, for the reports; may be empty
	Zone    *time.Location // of times that name none; nil is UTC, the same on every machine
	MaxLine int            // longest line in bytes; 0 is the constant MaxLine
}

// Reader reads JSONL line by line.
type Reader struct {
	o     ReaderOptions
	src   *bufio.Reader
	buf   []byte
	rest  []byte // of the line, where it had several objects
	line  int    // lines begun so far
	err   error
	noted map[string]int // lines by note
	order []string       // notes as they first came
	more  int            // lines with notes beyond MaxNotes
}

// Item is what became of one line. Exactly one of Memory, Record and Rejected is set.
type Item struct {
	Line     int // counted from 1, blank lines included
	Memory   *Line
	Record   *RecordLine
	Rejected *memory.Rejected
}

// NewReader returns a Reader of r. Negative or zero limits mean the default.
func NewReader(r io.Reader, o ReaderOptions) *Reader {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.MaxLine <= 0 {
		o.MaxLine = MaxLine
	}
	return &Reader{o: o, src: bufio.NewReaderSize(r, 64<<10), noted: map[string]int{}}
}

// Next returns the next line that is not blank, or the next object of one that has lost its breaks,
// io.EOF after the last one, and any other error where the source fails; that error comes back from
// every later call. A byte order mark before a line, a carriage return behind it and a missing last
// line break are no faults.
func (r *Reader) Next() (Item, error) {
	if len(r.rest) > 0 {
		return r.first(r.rest), nil
	}
	for {
		line, size, err := r.readLine()
		if err != nil {
			return Item{}, err
		}
		if size > int64(r.o.MaxLine) {
			return r.reject(fmt.Errorf("line of %d bytes, at most %d", size, r.o.MaxLine)), nil
		}
		if line = bytes.Trim(line, " \t\r"); len(line) > 0 {
			return r.first(line), nil
		}
	}
}

// first makes what it can of a line, or of the first object of one that has lost its breaks, and
// keeps the rest of that for the next call.
func (r *Reader) first(line []byte) Item {
	r.rest = nil
	err := checkJSON(line)
	if err == nil {
		return r.item(line)
	}
	n := gluedAt(line)
	if n == 0 {
		return r.reject(err)
	}
	line, r.rest = line[:n], bytes.TrimLeft(line[n:], " \t\r")
	if err := checkJSON(line); err != nil {
		return r.reject(err)
	}
	return r.item(line)
}

// gluedAt returns where the second of several objects on a line that is no JSON begins; 0 where it
// has one, or what is no object.
func gluedAt(line []byte) int {
	if line[0] != '{' {
		return 0
	}
	d := json.NewDecoder(bytes.NewReader(line))
	var object json.RawMessage
	if d.Decode(&object) != nil {
		return 0
	}
	n := int(d.InputOffset())
	if rest := bytes.TrimLeft(line[n:], " \t\r"); len(rest) == 0 || rest[0] != '{' {
		return 0
	}
	return n
}

// Notes returns what the lines so far said that was not kept, one sentence for each field, in the
// order of appearance. Rejected lines do not count.
func (r *Reader) Notes() []string {
	var all []string
	for _, what := range r.order {
		all = append(all, fmt.Sprintf("%s, %s", what, lines(r.noted[what])))
	}
	if r.more > 0 {
		all = append(all, fmt.Sprintf("further fields are not kept, %s", lines(r.more)))
	}
	return all
}

func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// readLine returns the next line without its break, and its size. What is longer than allowed is
// read to its end and dropped. The line is good until the next call.
func (r *Reader) readLine() (line []byte, size int64, err error) {
	if r.err != nil {
		return nil, 0, r.err
	}
	if cap(r.buf) > keptBuffer {
		r.buf = nil
	}
	r.buf = r.buf[:0]
	r.line++
	// A line that is just not too long may have these around it.
	most := int64(r.o.MaxLine) + int64(len(byteOrderMark)+len(lineBreak))
	for {
		part, err := r.src.ReadSlice('\n')
		size += int64(len(part))
		if size <= most {
			r.buf = append(r.buf, part...)
		} else {
			r.buf = nil
		}
		if err == nil || errors.Is(err, io.EOF) && size > 0 {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		r.err = err
		if !errors.Is(err, io.EOF) {
			r.err = fmt.Errorf("read %sline %d: %w", r.in(), r.line, err)
		}
		return nil, 0, r.err
	}
	if size > most {
		return nil, size, nil
	}
	line = bytes.TrimPrefix(bytes.TrimRight(r.buf, lineBreak), []byte(byteOrderMark))
	return line, int64(len(line)), nil
}

func (r *Reader) in() string {
	if r.o.Source == "" {
		return ""
	}
	return r.o.Source + ": "
}

// item makes what it can of a line that is not blank.
func (r *Reader) item(line []byte) Item {
	d := &decoder{zone: r.o.Zone}
	it := Item{Line: r.line}
	record, err := isRecord(line)
	switch {
	case err != nil:
	case record:
		it.Record, err = d.record(line)
	default:
		it.Memory, err = d.line(line)
	}
	if err != nil {
		return r.reject(err)
	}
	r.keepNotes(d.notes)
	return it
}

func (r *Reader) reject(err error) Item {
	why := &memory.Rejected{Source: r.o.Source, Line: r.line, Reason: err.Error()}
	return Item{Line: r.line, Rejected: why}
}

// keepNotes counts the notes of one line, which has each once.
func (r *Reader) keepNotes(notes []string) {
	more := false
	for _, what := range notes {
		if r.noted[what] == 0 {
			if len(r.order) == MaxNotes {
				more = true
				continue
			}
			r.order = append(r.order, what)
		}
		r.noted[what]++
	}
	if more {
		r.more++
	}
}

// checkJSON returns nil where line is one JSON object in valid UTF-8.
func checkJSON(line []byte) error {
	if !utf8.Valid(line) {
		if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
			return errors.New("not UTF-8 but UTF-16")
		}
		return fmt.Errorf("not valid UTF-8 at byte %d", invalidAt(line)+1)
	}
	if !json.Valid(line) {
		var whole json.RawMessage
		err := json.Unmarshal(line, &whole)
		if err != nil && strings.HasSuffix(err.Error(), "after top-level value") {
			return errors.New("more on the line than one JSON object")
		}
		return fmt.Errorf("not JSON: %v", err)
	}
	if line[0] != '{' {
		return wrongType("an object", line)
	}
	return nil
}

func invalidAt(b []byte) int {
	n := 0
	for n < len(b) {
		c, size := utf8.DecodeRune(b[n:])
		if c == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}
