package rpc

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

const (
	// progressEvery spaces the progress frames of one stage.
	progressEvery = 50 * time.Millisecond
	// keptAnswer is how large a buffer an answer keeps between frames.
	keptAnswer = 256 << 10
)

// answer writes the frames of one answer. Safe for concurrent use, since progress may come from
// another goroutine than the result.
type answer struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration // for the client to take a frame

	mu sync.Mutex
	// mu guards:
	started bool
	over    bool
	buf     []byte
	err     error // of the first write that failed; nothing is written after it
	stage   string
	shown   time.Time
}

func newAnswer(w http.ResponseWriter, timeout time.Duration) *answer {
	return &answer{w: w, rc: http.NewResponseController(w), timeout: timeout}
}

// send writes a frame, the bytes behind it, and flushes.
func (a *answer) send(f frame, raw []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sendLocked(f, raw)
}

func (a *answer) sendLocked(f frame, raw []byte) error {
	a.buf = append(appendFrame(a.buf, f), raw...)
	return a.flushLocked(http.StatusOK, false)
}

// hold keeps a frame until enough is there to be worth a write.
func (a *answer) hold(f frame) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buf = appendFrame(a.buf, f)
	if len(a.buf) < chunkSize {
		return a.err
	}
	return a.flushLocked(http.StatusOK, false)
}

// finish writes the last frame. It flushes, since the server may close the connection as soon as
// the call counts as ended.
func (a *answer) finish(f frame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.over = true
	f.End = true
	a.buf = appendFrame(a.buf, f)
	if err := a.flushLocked(statusOf(f.Error), true); err != nil {
		return // the client has gone, and knows
	}
}

// fail is finish with an error alone.
func (a *answer) fail(err error) { a.finish(frame{Error: toWire(err)}) }

// flushLocked writes the buffer. An answer of one frame says its length: it is one write, and the
// connection is free again with it.
func (a *answer) flushLocked(status int, last bool) error {
	if a.err != nil {
		return a.err
	}
	if !a.started {
		a.started = true
		a.w.Header().Set("Content-Type", contentType)
		if last {
			a.w.Header().Set("Content-Length", strconv.Itoa(len(a.buf)))
		}
		a.w.WriteHeader(status)
	}
	if a.err = a.rc.SetWriteDeadline(time.Now().Add(a.timeout)); a.err == nil {
		_, a.err = a.w.Write(a.buf)
	}
	if a.err == nil {
		a.err = a.rc.Flush()
	}
	if a.buf = a.buf[:0]; cap(a.buf) > keptAnswer {
		a.buf = nil
	}
	return a.err
}

// progress sends how far the work is: each new stage, each end of one, and now and then between.
func (a *answer) progress(stage string, done, total int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.over || stage == a.stage && done != total && now.Sub(a.shown) < progressEvery {
		return
	}
	a.stage, a.shown = stage, now
	if err := a.sendLocked(frame{Progress: &progress{stage, done, total}}, nil); err != nil {
		return // kept in a.err
	}
}

// progressFor returns the callback for a request, nil where the client did not ask for it.
func (a *answer) progressFor(r *http.Request) memory.Progress {
	if r.Header.Get(headerProgress) == "" {
		return nil
	}
	return a.progress
}
