package daemon

import (
	"os"
	"time"
)

// The pace at which an owner looks at itself: a quarter of its idle time, within these bounds.
const (
	minLook = 5 * time.Millisecond
	maxLook = time.Second
)

// look watches until the owner leaves: is the store still in its place, are the sockets, has nobody
// been here for the idle time.
func (w *owner) look(idles bool) {
	defer w.joined.Done()
	tick := time.NewTicker(min(max(w.o.Idle/4, minLook), maxLook))
	defer tick.Stop()
	for {
		select {
		case <-w.ending.Done():
			return
		case <-tick.C:
		}
		if !w.ours() {
			w.leave(reasonGone)
			return
		}
		w.reopen()
		if idle := w.srv.Idle(); idles && !idle.IsZero() && time.Since(idle) >= w.o.Idle {
			w.leave("idle")
			return
		}
	}
}

const reasonGone = "the store was moved or deleted"

// ours reports whether the store's place still holds the store that was opened.
func (w *owner) ours() bool {
	now, err := os.Stat(w.watch)
	return err == nil && os.SameFile(now, w.mark)
}

// reopen listens again where a socket has gone: cleaners of temporary directories take them. Only
// the holder of the lock listens, so what is there instead is nobody's.
func (w *owner) reopen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reason != "" {
		return
	}
	for _, d := range w.doors {
		if d.there() {
			continue
		}
		fresh := &door{path: d.path, serve: d.serve}
		if err := fresh.open(); err != nil {
			w.o.Logger.Error("listen again", "socket", d.path, "err", err)
			continue
		}
		w.o.Logger.Warn("socket was taken away; listening again", "socket", d.path)
		*d = *fresh // those who are connected through the old one stay
		w.serve(d)
	}
}
