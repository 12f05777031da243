package index

import (
	"crypto/sha256"
	"math"
)

// A session is what was said in one go: documents of one stream whose created times follow each
// other within SessionGap. A stream is whatever its caller means by one (NewImage.Stream): the same
// conversation, the same window of an agent. A document stays in the session in which it first
// appeared, in the order of first appearance.

// SessionGap is how far apart the created times of neighbours in a session may be, in microseconds.
const SessionGap = 60 * 60 * 1e6

// maxStreams bounds how many streams the writer remembers; the others are looked up.
const maxStreams = 4096

// streamEnd is where a stream is: its newest session and the created time of its newest document.
type streamEnd struct {
	session uint32
	created int64
}

func streamKey(stream string) key {
	h := sha256.Sum256([]byte(stream))
	return append(newKey(keyStream), h[:16]...)
}

// session returns the session of a document that appears now.
func (b *Batch) session(stream string, created int64) (uint32, error) {
	end, known := b.streams[stream]
	if !known {
		var err error
		if end, known, err = b.storedStream(stream); err != nil {
			return 0, err
		}
	}
	if !known || apart(created, end.created) > SessionGap {
		end.session = b.state.nextSession
		b.state.nextSession++
	}
	end.created = created
	b.streams[stream] = end
	return end.session, nil
}

func apart(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}

func (b *Batch) storedStream(stream string) (streamEnd, bool, error) {
	b.d.mu.Lock()
	end, ok := b.d.streams[stream]
	b.d.mu.Unlock()
	if ok {
		return end, true, nil
	}
	if b.d.known.newStream(stream) {
		return streamEnd{}, false, nil
	}
	v, ok, err := b.src.get(streamKey(stream))
	if err != nil || !ok {
		return streamEnd{}, false, err
	}
	f := fieldReader{b: v}
	end = streamEnd{session: f.u32(), created: f.time()}
	return end, true, b.src.fuse.check(f.done("stream"))
}

// flushStreams writes where the streams of this batch are.
func (b *Batch) flushStreams() error {
	for _, stream := range sortedKeys(b.streams) {
		end := b.streams[stream]
		if err := b.set(streamKey(stream), key(nil).u32(end.session).time(end.created)); err != nil {
			return err
		}
	}
	return nil
}

// noDoc and noRow stand for none.
const (
	noDoc = math.MaxUint32
	noRow = math.MaxUint32
)
