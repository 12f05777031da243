package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// The formats a [Writer] writes. The empty text means FormatJSONL.
const (
	FormatJSONL    = "jsonl"    // one object a line, lossless; what a Reader reads
	FormatJSON     = "json"     // the same objects as one array, one a line
	FormatMarkdown = "markdown" // a document for people; holds memories only
	// FormatService is what mcp-memory-service's own importer takes; holds live memories only.
	FormatService = "mcp-memory-service"
)

// WriterOptions say how to write. The zero value works.
type WriterOptions struct {
	Zone *time.Location // of the days and hours in a document; nil is UTC. JSON is always UTC
}

// Heading says what an export holds. Only a document shows it.
type Heading struct {
	Until memory.Resolved // the moment the export shows; Seq 0: not said, nor a zero Time
}

// Writer writes an export: Begin once, then Memory or Record any number of times, then End once.
// It holds one line in memory, however many there are.
type Writer struct {
	w     *bufio.Writer
	f     format
	buf   []byte
	line  int
	notes []string
	state state
	err   error
}

// state is how far a Writer has come.
type state int

const (
	fresh state = iota
	begun
	ended
)

// format is what differs between the formats. Each appends to dst and returns it.
type format interface {
	begin(dst []byte, h Heading) []byte
	memory(dst []byte, l Line) ([]byte, error)
	record(dst []byte, r RecordLine) ([]byte, error)
	end(dst []byte) []byte
}

// ErrOrder is returned where the calls of a [Writer] come in another order than they should.
var ErrOrder = errors.New("write export: not begun, or ended")

// NewWriter returns a Writer of a format to w, which it neither closes nor syncs. A format that
// does not exist is an error of [memory.CodeInvalid].
func NewWriter(w io.Writer, format string, o WriterOptions) (*Writer, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	switch format {
	case "", FormatJSONL:
		out.f = jsonLines{}
	case FormatJSON:
		out.f = &jsonArray{}
	case FormatMarkdown:
		out.f = &markdown{zone: o.Zone}
	case FormatService:
		out.f = &serviceJSON{}
	default:
		return nil, memory.Invalid("format", "unknown format %.40q", format).
			WithHint("formats are %s, %s, %s and %s", FormatJSONL, FormatJSON, FormatMarkdown,
				FormatService)
	}
	return out, nil
}

// Begin writes what stands before the first memory.
func (w *Writer) Begin(h Heading) error {
	if w.err != nil || w.state != fresh {
		return w.fail(ErrOrder)
	}
	w.state = begun
	return w.write(w.f.begin(w.buf[:0], h), nil)
}

// Memory writes one memory. A memory that cannot be written (a text that is not UTF-8) is an error
// and leaves nothing of it behind; the Writer goes on, if its caller likes to.
func (w *Writer) Memory(l Line) error {
	if w.err != nil || w.state != begun {
		return w.fail(ErrOrder)
	}
	w.line++
	b, err := w.f.memory(w.buf[:0], l)
	w.noteLong(len(b), "memory "+l.ID.String())
	return w.write(b, err)
}

// Record writes one record, as Memory does with a memory. A document holds none: there it is an
// error of [memory.CodeInvalid].
func (w *Writer) Record(r RecordLine) error {
	if w.err != nil || w.state != begun {
		return w.fail(ErrOrder)
	}
	w.line++
	b, err := w.f.record(w.buf[:0], r)
	w.noteLong(len(b), fmt.Sprintf("record %d", r.Seq))
	return w.write(b, err)
}

// End writes what stands behind the last memory, and all that is still buffered. Only after it
// returned nil is the export whole.
func (w *Writer) End() error {
	if w.err != nil || w.state != begun {
		return w.fail(ErrOrder)
	}
	w.state = ended
	if err := w.write(w.f.end(w.buf[:0]), nil); err != nil {
		return err
	}
	if err := w.w.Flush(); err != nil {
		return w.fail(fmt.Errorf("write export: %w", err))
	}
	return nil
}

// Notes returns what is to be known about what was written: lines that are longer than a Reader
// takes by default. At most [MaxNotes].
func (w *Writer) Notes() []string { return w.notes }

func (w *Writer) noteLong(size int, what string) {
	if size > MaxLine+1 && len(w.notes) < MaxNotes {
		w.notes = append(w.notes, fmt.Sprintf("%s is a line of %d bytes; import takes %d at most",
			what, size, MaxLine))
	}
}

// write sends b, unless making it failed.
func (w *Writer) write(b []byte, err error) error {
	if err != nil {
		return err
	}
	if _, err := w.w.Write(b); err != nil {
		return w.fail(fmt.Errorf("write export: %w", err))
	}
	if cap(b) <= keptBuffer {
		w.buf = b[:0]
	}
	return nil
}

// fail keeps the first error for good.
func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// jsonLines writes one object a line.
type jsonLines struct{}

func (jsonLines) begin(dst []byte, _ Heading) []byte { return dst }
func (jsonLines) end(dst []byte) []byte              { return dst }

func (jsonLines) memory(dst []byte, l Line) ([]byte, error) {
	b, err := l.AppendJSON(dst)
	return append(b, '\n'), err
}

func (jsonLines) record(dst []byte, r RecordLine) ([]byte, error) {
	b, err := r.AppendJSON(dst)
	return append(b, '\n'), err
}

// jsonArray writes one array, an element a line.
type jsonArray struct{ some bool }

func (*jsonArray) begin(dst []byte, _ Heading) []byte { return append(dst, '[') }

func (a *jsonArray) end(dst []byte) []byte {
	if a.some {
		dst = append(dst, '\n')
	}
	return append(dst, "]\n"...)
}

func (a *jsonArray) memory(dst []byte, l Line) ([]byte, error) {
	b, err := l.AppendJSON(a.comma(dst))
	a.some = a.some || err == nil
	return b, err
}

func (a *jsonArray) record(dst []byte, r RecordLine) ([]byte, error) {
	b, err := r.AppendJSON(a.comma(dst))
	a.some = a.some || err == nil
	return b, err
}

func (a *jsonArray) comma(dst []byte) []byte {
	if a.some {
		dst = append(dst, ',')
	}
	return append(dst, '\n')
}
