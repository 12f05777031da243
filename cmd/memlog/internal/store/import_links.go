package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// A link of a line is made in the record of its chunk where both ends are there by then. What leads
// to a later line is kept until the end of the file: a few in memory, more in a file without a
// name, so that the links of a file of any size take no more memory than those of a small one.

// lineLink is a link and the line it stands on.
type lineLink struct {
	n    int
	link event.Link
}

// keptLinks is how many links wait in memory.
const keptLinks = 4096

// pendingLinks are the links that wait for the end of an import.
type pendingLinks struct {
	kept  []lineLink
	spool *os.File // those before kept, encoded; nil: there are none
	w     *bufio.Writer
}

func (p *pendingLinks) add(k lineLink) error {
	p.kept = append(p.kept, k)
	if len(p.kept) < keptLinks {
		return nil
	}
	if p.spool == nil {
		f, err := os.CreateTemp("", "memlog-links-*")
		if err != nil {
			return fmt.Errorf("keep links for the end of the import: %w", err)
		}
		_ = os.Remove(f.Name()) // Windows removes it at close
		p.spool, p.w = f, bufio.NewWriter(f)
	}
	var buf []byte
	for _, k := range p.kept {
		buf = binary.AppendUvarint(buf[:0], uint64(k.n))
		buf = append(append(buf, k.link.From[:]...), k.link.To[:]...)
		buf = binary.AppendUvarint(buf, uint64(len(k.link.Type)))
		if _, err := p.w.Write(append(buf, k.link.Type...)); err != nil {
			return fmt.Errorf("keep links for the end of the import: %w", err)
		}
	}
	p.kept = p.kept[:0]
	return nil
}

// chunks hands the links out, chunkLines at a time, in the order in which they came.
func (p *pendingLinks) chunks(use func([]lineLink) error) error {
	var chunk []lineLink
	give := func(k lineLink) error {
		if chunk = append(chunk, k); len(chunk) < chunkLines {
			return nil
		}
		full := chunk
		chunk = nil
		return use(full)
	}
	if p.spool != nil {
		if err := p.w.Flush(); err != nil {
			return fmt.Errorf("keep links for the end of the import: %w", err)
		}
		if err := p.read(give); err != nil {
			return err
		}
	}
	for _, k := range p.kept {
		if err := give(k); err != nil {
			return err
		}
	}
	if len(chunk) == 0 {
		return nil
	}
	return use(chunk)
}

// read hands out what was spooled.
func (p *pendingLinks) read(give func(lineLink) error) error {
	if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read links that were kept: %w", err)
	}
	r := bufio.NewReader(p.spool)
	for {
		n, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		k := lineLink{n: int(n)}
		for _, id := range []*event.ID{&k.link.From, &k.link.To} {
			if err == nil {
				_, err = io.ReadFull(r, id[:])
			}
		}
		var size uint64
		if err == nil {
			size, err = binary.ReadUvarint(r)
		}
		text := make([]byte, min(size, memory.MaxType))
		if err == nil {
			_, err = io.ReadFull(r, text)
		}
		if err != nil {
			return fmt.Errorf("read links that were kept: %w", err)
		}
		k.link.Type = string(text)
		if err := give(k); err != nil {
			return err
		}
	}
}

func (p *pendingLinks) close() {
	if p.spool != nil {
		_ = p.spool.Close()
		_ = os.Remove(p.spool.Name()) // where it could not be removed while it was open
	}
}

// linkLines returns the links of lines of a chunk whose ends are here, or made by these events: as
// memories or as tombstones, which keep their links. The others wait in t.
func (in *importing) linkLines(v *index.View, chunk []importLine, made []event.Event, t *tally) (
	[]event.Event, error) {
	l := linker{v: v, here: map[memory.ID]bool{}, made: map[event.Link]bool{}}
	for _, id := range t.ids {
		l.here[id] = !in.r.DryRun
	}
	for _, ev := range made {
		if ev, ok := ev.(event.Stored); ok {
			l.here[ev.Memory.ID] = true
		}
	}
	for i, id := range t.ids {
		for _, k := range chunk[i].line.Links {
			if k.From.IsZero() {
				k.From = id
			}
			ok, err := l.link(k)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", chunk[i].n, err)
			}
			if !ok {
				t.early = append(t.early, lineLink{chunk[i].n, k})
			}
		}
	}
	return l.out, nil
}

// linker collects the links of one record.
type linker struct {
	v    *index.View
	here map[memory.ID]bool // memories that are here, or that this record makes
	made map[event.Link]bool
	out  []event.Event
}

// link adds a link, unless it is there. ok is false where an end of it is not.
func (l *linker) link(k event.Link) (ok bool, err error) {
	if l.made[k] {
		return true, nil
	}
	for _, id := range []memory.ID{k.From, k.To} {
		if l.here[id] {
			continue
		}
		if _, found, err := l.v.Image(index.ID(id)); err != nil || !found {
			return false, err
		}
	}
	there, err := hasLink(l.v, k)
	if err != nil {
		return false, err
	}
	if !there {
		l.out = append(l.out, event.Linked{Link: k})
	}
	l.made[k] = true
	return true, nil
}

// makeLinks makes the links that waited for the end.
func (in *importing) makeLinks(ctx context.Context) error {
	return in.links.chunks(func(chunk []lineLink) error {
		var missing []int
		err := in.append(ctx, func(v *index.View) ([]event.Event, error) {
			missing = missing[:0]
			l := linker{v: v, made: map[event.Link]bool{}}
			for _, k := range chunk {
				ok, err := l.link(k.link)
				if err != nil {
					return nil, err
				}
				if !ok {
					missing = append(missing, k.n)
				}
			}
			return l.out, nil
		})
		if err != nil || in.r.DryRun { // a dry run has stored nothing that a link could lead to
			return err
		}
		for _, n := range missing {
			in.reject(n, errors.New("links: a link leads to a memory that is not here; the memory itself "+
				"was taken"))
		}
		return nil
	})
}
