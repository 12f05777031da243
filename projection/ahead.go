package projection

import (
	"iter"
	"sync"

	"memlog/index"
	"memlog/wal"
)

// aheadChunks bounds how far Catchup reads ahead of what it applies, and chunkBytes what is
// prepared together, as prepareEvents does.
const (
	aheadChunks = 8
	chunkBytes  = 256 << 10 // of events, but for a larger one
)

// ahead reads a log and prepares its events while those before are applied.
type ahead struct {
	work    chan *chunk // to be prepared
	ordered chan *chunk // the same, to be handed out
	quit    chan struct{}
	wg      sync.WaitGroup
	left    *chunk // what of it is not handed out yet; owned by the caller of next
}

// chunk is what is prepared together.
type chunk struct {
	parts         []part
	events, bytes int
	ready         chan struct{} // closed when all parts are prepared
}

// part is a record or, of one with many events, some of them.
type part struct {
	rec    *wal.Record
	events [][]byte
	ready  []prepared // of events
	more   bool       // the next part has more of them
	err    error      // of the log, in the place of a record
}

// readAhead begins to read; the caller closes it.
func readAhead(records iter.Seq2[wal.Record, error], readers []index.TextReader) *ahead {
	a := &ahead{
		work: make(chan *chunk, aheadChunks), ordered: make(chan *chunk, aheadChunks),
		quit: make(chan struct{}), left: &chunk{},
	}
	a.wg.Go(func() { a.read(records) })
	for i := range readers {
		a.wg.Go(func() { a.prepare(&readers[i]) })
	}
	return a
}

// close ends the reading and waits for it.
func (a *ahead) close() {
	close(a.quit)
	a.wg.Wait()
}

// next returns the next part, false behind the last. After a part with more it returns another.
func (a *ahead) next() (part, bool) {
	for len(a.left.parts) == 0 {
		c, ok := <-a.ordered
		if !ok {
			return part{}, false
		}
		<-c.ready
		a.left = c
	}
	p := a.left.parts[0]
	a.left.parts[0] = part{} // its memory
	a.left.parts = a.left.parts[1:]
	return p, true
}

func (a *ahead) prepare(r *index.TextReader) {
	for c := range a.work {
		for i := range c.parts {
			p := &c.parts[i]
			p.ready = make([]prepared, 0, len(p.events))
			for _, raw := range p.events {
				p.ready = append(p.ready, prepare(raw, r))
			}
		}
		close(c.ready)
	}
}

func (a *ahead) read(records iter.Seq2[wal.Record, error]) {
	defer close(a.ordered)
	defer close(a.work)
	c := &chunk{}
	for rec, err := range records {
		for p := range parts(&rec) {
			p.err = err
			c.add(p)
			if !c.full() {
				continue
			}
			if !a.send(c) {
				return
			}
			c = &chunk{}
		}
	}
	a.send(c)
}

// send reports whether more is wanted.
func (a *ahead) send(c *chunk) bool {
	c.ready = make(chan struct{})
	for _, to := range []chan *chunk{a.work, a.ordered} {
		select {
		case to <- c:
		case <-a.quit:
			return false
		}
	}
	return true
}

func (c *chunk) add(p part) {
	c.parts = append(c.parts, p)
	c.events += len(p.events)
	for _, e := range p.events {
		c.bytes += len(e)
	}
}

func (c *chunk) full() bool {
	return len(c.parts) >= prepareEvents || c.events >= prepareEvents || c.bytes >= chunkBytes
}

// parts cuts a record into parts that fit a chunk, one at least.
func parts(rec *wal.Record) iter.Seq[part] {
	return func(yield func(part) bool) {
		for rest := rec.Events; ; {
			n, bytes := 0, 0
			for n < min(len(rest), prepareEvents) && bytes < chunkBytes {
				bytes += len(rest[n])
				n++
			}
			p := part{rec: rec, events: rest[:n], more: n < len(rest)}
			if rest = rest[n:]; !yield(p) || !p.more {
				return
			}
		}
	}
}
