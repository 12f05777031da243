package store

import (
	"errors"
	"io"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/index"
	"memlog/wal/event"
)

// An import goes into the log in chunks, each one record, all of one group, so that it is undone
// as one. A chunk ends at either bound.
const (
	chunkLines = 1000
	chunkBytes = 4 << 20
)

// part is a piece of the source: the lines of a chunk, then perhaps a record of another log.
type part struct {
	lines    []importLine
	bytes    int
	rejected []memory.Rejected // lines among them that cannot be taken
	record   *transfer.Item
	last     int // number of the last line
}

func (p *part) full() bool {
	return len(p.lines) >= chunkLines || p.bytes >= chunkBytes || len(p.rejected) >= chunkLines ||
		p.record != nil
}

// importLine is a memory line that passed the checks.
type importLine struct {
	n     int // its line
	m     event.Memory
	key   [32]byte // what it says: index.ExactKey
	line  *transfer.Line
	dated bool // it brought its own created time
}

// ahead reads and checks the part that follows while one goes into the log.
type ahead struct {
	name  string
	now   time.Time
	rd    *transfer.Reader
	parts chan *part    // closed at the end
	quit  chan struct{} // closed where no more are wanted
	err   error         // why it ended early; once parts is closed
}

func readAhead(name string, now time.Time, rd *transfer.Reader) *ahead {
	a := &ahead{name: name, now: now, rd: rd, parts: make(chan *part), quit: make(chan struct{})}
	go a.run()
	return a
}

// close waits until the source is not read any more: where a read is under way, until that ends.
func (a *ahead) close() {
	close(a.quit)
	for range a.parts {
		continue
	}
}

func (a *ahead) run() {
	defer close(a.parts)
	for !a.unwanted() {
		p, err := a.next()
		if p.last > 0 {
			select {
			case a.parts <- p:
			case <-a.quit:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.err = err
			}
			return
		}
	}
}

func (a *ahead) unwanted() bool {
	select {
	case <-a.quit:
		return true
	default:
		return false
	}
}

// next reads a part. With an error it returns what came before.
func (a *ahead) next() (*part, error) {
	p := &part{}
	for !p.full() && !a.unwanted() {
		item, err := a.rd.Next()
		if err != nil {
			return p, err
		}
		p.last = item.Line
		switch {
		case item.Rejected != nil:
			p.rejected = append(p.rejected, *item.Rejected)
		case item.Record != nil:
			p.record = &item
		case item.Memory != nil:
			l, err := a.check(item)
			if err != nil {
				p.rejected = append(p.rejected,
					memory.Rejected{Source: a.name, Line: item.Line, Reason: err.Error()})
				continue
			}
			p.lines = append(p.lines, l)
			p.bytes += len(l.m.Content) + len(l.m.Metadata)
		}
	}
	return p, nil
}

// check holds a line against the limits that every memory has.
func (a *ahead) check(item transfer.Item) (importLine, error) {
	l := item.Memory
	m, err := l.Memory()
	if err != nil {
		return importLine{}, err
	}
	n := memory.NewMemory{ID: m.ID, Content: m.Content, Tags: m.Tags, Type: m.Type, Project: m.Project,
		Metadata: m.Metadata, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Aliases: m.Aliases}
	if len(l.Occurrences) > 0 {
		n.Tags = nil // repetitions may bring a memory more tags than one command can
	}
	dated := !m.CreatedAt.IsZero()
	if !dated {
		n.CreatedAt = l.AboutAt
	}
	c, err := clean(n, a.now)
	if err != nil {
		return importLine{}, err
	}
	if len(l.Occurrences) > 0 {
		c.Tags = m.Tags
	}
	c.Version, c.SupersededBy, c.Extra = m.Version, m.SupersededBy, m.Extra
	return importLine{n: item.Line, m: c, key: index.ExactKey(c.Content, c.Type, c.Project), line: l,
		dated: dated}, nil
}
