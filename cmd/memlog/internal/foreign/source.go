package foreign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
)

// Entry is what became of one entry of a source: a memory, or the reason why there is none.
type Entry struct {
	At       int // number of the row, line or element it came from; 0: not known
	Memory   transfer.Line
	Rejected string // not empty: Memory is not set
}

// source is one input in one format. entries yields what it holds, in its order, and returns an
// error where it cannot be read on. It is read once.
type source interface {
	entries(ctx context.Context, r *report, yield func(Entry) bool) error
	close() error
}

// errStop ends the reading of a source whose reader wants no more.
var errStop = errors.New("stop")

// Summary is what a source said of itself while it was read.
type Summary struct {
	Format     Format   `json:"format"`
	Entries    int      `json:"entries"`    // rows, lines or elements that are memories
	Deleted    int      `json:"deleted"`    // of them: memories that were deleted there
	Superseded int      `json:"superseded"` // for which another one stands in
	Links      int      `json:"links"`
	Rated      int      `json:"rated"` // that somebody rated; the ratings are in the metadata
	Notes      []string `json:"notes,omitempty"`
}

// report collects a Summary. Sources fill it in while they are read.
type report struct {
	Summary
	counts map[string]*noted
	order  []string
}

// noted is something that was seen at several entries.
type noted struct {
	n     int
	first []int
}

// shownPlaces is how many entries a note names.
const shownPlaces = 5

// count notes something about one entry. Each text is one note, with the number of entries.
func (r *report) count(at int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c := r.counts[text]
	switch {
	case c == nil && len(r.order) == transfer.MaxNotes:
		text, c = furtherNotes, r.counts[furtherNotes]
		if c == nil {
			c = &noted{}
			r.counts[text] = c
		}
	case c == nil:
		c = &noted{}
		r.counts[text] = c
		r.order = append(r.order, text)
	}
	c.n++
	if len(c.first) < shownPlaces && at > 0 {
		c.first = append(c.first, at)
	}
}

const furtherNotes = "further remarks are not shown"

// notes returns one sentence for each thing that was noted.
func (r *report) notes() []string {
	out := slices.Clone(r.Notes)
	for _, text := range append(slices.Clone(r.order), furtherNotes) {
		c := r.counts[text]
		switch {
		case c == nil:
		case len(c.first) == 0:
			out = append(out, fmt.Sprintf("%s (%d)", text, c.n))
		default:
			out = append(out, fmt.Sprintf("%s (%d: %s %s)", text, c.n, r.Format.Unit(), places(c)))
		}
	}
	return out
}

func places(c *noted) string {
	s := ""
	for i, at := range c.first {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(at)
	}
	if c.n > len(c.first) {
		s += ", …"
	}
	return s
}

// Input is one source as memlog JSONL. It is made by [Open] and must be closed.
type Input struct {
	Path string

	src     source
	next    func() (Entry, error, bool)
	stop    func()
	raw     io.Reader // memlog's own lines, as they stand
	records bool
	pipe    io.Closer // what it was read from, where that is no file of its own
	end     error
	buf     []byte // made and not yet read

	mu sync.Mutex
	// mu guards:
	report   report
	places   []int32 // by line
	rejected []memory.Rejected
	more     int // rejected beyond those kept
}

// maxPlace is the largest entry number that is remembered for a line.
const maxPlace = 1<<31 - 1

// newInput reads src as the lines of format.
func newInput(ctx context.Context, path string, f Format, src source) *Input {
	in := &Input{Path: path, src: src}
	in.report = report{Summary: Summary{Format: f}, counts: map[string]*noted{}}
	in.next, in.stop = iter.Pull2(func(yield func(Entry, error) bool) {
		err := src.entries(ctx, &in.report, func(e Entry) bool { return yield(e, nil) })
		if err != nil && !errors.Is(err, errStop) {
			yield(Entry{}, err)
		}
	})
	return in
}

// Records reports whether the lines are records of a log, as export --events writes them.
func (in *Input) Records() bool { return in.records }

// Read reads the lines.
func (in *Input) Read(p []byte) (int, error) {
	if in.raw != nil {
		return in.raw.Read(p)
	}
	for len(in.buf) == 0 {
		if in.end != nil {
			return 0, in.end
		}
		in.fill()
	}
	n := copy(p, in.buf)
	in.buf = in.buf[n:]
	return n, nil
}

// fillTo is how many bytes of lines are made at a time.
const fillTo = 64 << 10

func (in *Input) fill() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.buf = in.buf[:0]
	for len(in.buf) < fillTo {
		e, err, ok := in.next()
		if !ok {
			in.end = io.EOF
			return
		}
		if err != nil {
			in.end = fmt.Errorf("read %s: %w", in.Path, err)
			return
		}
		in.line(e)
	}
}

// line appends the line of an entry, or keeps why there is none.
func (in *Input) line(e Entry) {
	if e.Rejected == "" {
		b, err := e.Memory.AppendJSON(in.buf)
		if err == nil {
			in.buf = append(b, '\n')
			in.places = append(in.places, int32(min(max(e.At, 0), maxPlace)))
			in.tally(e.Memory)
			return
		}
		e.Rejected = err.Error()
	}
	if len(in.rejected) == memory.MaxRejected {
		in.more++
		return
	}
	in.rejected = append(in.rejected, memory.Rejected{Line: e.At, Unit: in.report.Format.Unit(),
		Reason: e.Rejected})
}

func (in *Input) tally(l transfer.Line) {
	in.report.Entries++
	if l.Deleted {
		in.report.Deleted++
	}
	if !l.SupersededBy.IsZero() {
		in.report.Superseded++
	}
	in.report.Links += len(l.Links)
}

// Summary returns what the source said of itself so far.
func (in *Input) Summary() Summary {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.report.Summary
	s.Notes = in.report.notes()
	return s
}

// Rejected returns the entries that could not be read, and how many more there were.
func (in *Input) Rejected() (list []memory.Rejected, more int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.rejected), in.more
}

// Place leads a rejected line back to the entry it was made of.
func (in *Input) Place(r memory.Rejected) memory.Rejected {
	if in.raw != nil {
		return r
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if r.Line >= 1 && r.Line <= len(in.places) {
		r.Line = int(in.places[r.Line-1])
	}
	r.Unit = in.report.Format.Unit()
	return r
}

// Close lets the source go, and removes what was copied of it.
func (in *Input) Close() error {
	if in.stop != nil {
		in.stop()
	}
	err := in.src.close()
	if in.pipe != nil {
		err = errors.Join(err, in.pipe.Close())
	}
	return err
}
