package projection

import (
	"sync"
	"sync/atomic"

	"memlog/index"
	"memlog/wal/event"
)

// What follows from an event alone is made before it is applied, by all processors where there are
// many events: decoding, reading the text, hashing. Applying is left for one goroutine.
const (
	// prepareEvents are prepared together, which bounds the memory for it.
	prepareEvents = 128
	// maxPreparers bounds the goroutines.
	maxPreparers = 4
)

// prepared is an event with what follows from it alone.
type prepared struct {
	event   event.Event // nil: it was destroyed
	err     error       // why its bytes are no event
	version *version    // where it says what a memory is as a whole
}

// version is what a memory is, with what follows from that alone.
type version struct {
	memory  event.Memory
	deleted bool
	payload []byte
	exact   [32]byte // where it is not deleted
	element [32]byte
	reading *index.Reading // nil: not made yet
	err     error
}

func newVersion(m event.Memory, deleted bool) *version {
	v := &version{memory: m, deleted: deleted, element: memoryElement(m, deleted)}
	v.payload, v.err = event.EncodeMemory(m)
	if !deleted {
		v.exact = index.ExactKey(m.Content, m.Type, m.Project)
	}
	return v
}

// memoryOf returns the memory that an event says whole.
func memoryOf(e event.Event) (event.Memory, bool) {
	switch e := e.(type) {
	case event.Stored:
		return e.Memory, true
	case event.Updated:
		return e.Memory, true
	case event.Reverted:
		return e.Memory, true
	case event.Restored:
		return e.Memory, true
	}
	return event.Memory{}, false
}

func prepare(raw []byte, r *index.TextReader) prepared {
	if raw == nil {
		return prepared{}
	}
	e, err := event.Decode(raw)
	if err != nil {
		return prepared{err: err}
	}
	p := prepared{event: e.Event}
	if m, ok := memoryOf(e.Event); ok {
		p.version = newVersion(m, false)
		p.version.reading = r.Read(m.Content, m.CreatedAt.UnixMicro())
	}
	return p
}

// prepare prepares events, in order.
func (p *Projector) prepare(raw [][]byte) []prepared {
	w := preparing{raw: raw, out: make([]prepared, len(raw))}
	if len(raw) < 2*len(p.texts) {
		w.work(&p.texts[0])
		return w.out
	}
	var wg sync.WaitGroup
	for i := range p.texts[1:] {
		wg.Go(func() { w.work(&p.texts[1+i]) })
	}
	w.work(&p.texts[0])
	wg.Wait()
	return w.out
}

// preparing is events that several goroutines prepare, each the next one.
type preparing struct {
	raw  [][]byte
	out  []prepared
	next atomic.Int64
}

func (w *preparing) work(r *index.TextReader) {
	for {
		i := int(w.next.Add(1)) - 1
		if i >= len(w.raw) {
			return
		}
		w.out[i] = prepare(w.raw[i], r)
	}
}
