package daemon

import (
	"context"
	"io"
	"os"
	"time"

	"memlog/cmd/memlog/internal/memory"
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

// guard lets nothing be written to, nor acknowledged from, a store that is no longer in its place:
// another process may own what is there now.
type guard struct {
	memory.Service
	w *owner
}

// guarded runs a change between two looks.
func guarded[R any](g *guard, change func() (R, error)) (R, error) {
	var zero R
	if err := g.check(); err != nil {
		return zero, err
	}
	r, err := change()
	if gone := g.check(); gone != nil {
		return zero, gone
	}
	return r, err
}

// check fails where the store has gone. Fronts send what fails so again, to the next owner.
func (g *guard) check() error {
	if g.w.ours() {
		return nil
	}
	g.w.leave(reasonGone)
	return memory.Errorf(memory.CodeBusy, "store %s was moved or deleted", g.w.o.Store).
		WithHint("try again; a store that is not there is made anew")
}

func (g *guard) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return guarded(g, func() (memory.StoreResult, error) { return g.Service.Store(ctx, r) })
}

func (g *guard) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Update(ctx, r) })
}

func (g *guard) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Delete(ctx, r) })
}

func (g *guard) Restore(ctx context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Restore(ctx, r) })
}

func (g *guard) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Link(ctx, r) })
}

func (g *guard) Duplicates(
	ctx context.Context, r memory.DuplicatesRequest,
) (memory.DuplicatesResult, error) {
	return guarded(g, func() (memory.DuplicatesResult, error) { return g.Service.Duplicates(ctx, r) })
}

func (g *guard) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return guarded(g, func() (memory.UndoResult, error) { return g.Service.Undo(ctx, r) })
}

func (g *guard) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return guarded(g, func() (memory.RevertResult, error) { return g.Service.Revert(ctx, r) })
}

func (g *guard) Import(
	ctx context.Context, src io.Reader, r memory.ImportRequest,
) (memory.ImportResult, error) {
	return guarded(g, func() (memory.ImportResult, error) { return g.Service.Import(ctx, src, r) })
}
