package daemon

import (
	"context"
	"errors"
	"io"
	"iter"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// Replay implements [memory.Historian]. One that makes a store is not begun again where the first
// attempt may have left a part of it.
func (f *front) Replay(ctx context.Context, r memory.ReplayRequest) (memory.ReplayResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ReplayResult, error) {
		res, err := s.Replay(ctx, r)
		if r.Into != "" && errors.Is(err, rpc.ErrUnreachable) && errors.Is(err, rpc.ErrMaybeDone) {
			err = final{memory.Errorf(memory.CodeFailed, "owner ended while it made store %s: %v", r.Into,
				err).WithHint("remove what is there, and replay again")}
		}
		return res, err
	})
}

// Export implements [memory.Mover]. It begins again only where nothing has been written yet.
func (f *front) Export(
	ctx context.Context, w io.Writer, r memory.ExportRequest,
) (memory.ExportResult, error) {
	out := &counter{w: w}
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ExportResult, error) {
		res, err := s.Export(ctx, out, r)
		if out.n > 0 && (errors.Is(err, rpc.ErrUnreachable) || ctx.Err() != nil) {
			err = final{memory.Errorf(memory.CodeFailed,
				"owner ended during the export, of which %d bytes are written: %v", out.n, err).
				WithHint("throw them away, and export again")}
		}
		return res, err
	})
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Import implements [memory.Mover]. Sent again it reads the source from its beginning: what the
// first attempt stored is found in the store, and counted as present.
func (f *front) Import(
	ctx context.Context, src io.Reader, r memory.ImportRequest,
) (memory.ImportResult, error) {
	r.Origin = named(r.Origin)
	if r.Group == "" && !r.DryRun {
		r.Group = newID() // of all attempts, so that undo takes them back as one
	}
	source := newRewinder(src)
	defer source.close()
	attempts := 0
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ImportResult, error) {
		attempts++
		from, err := source.rewind()
		if err != nil {
			return memory.ImportResult{}, final{err}
		}
		res, err := s.Import(ctx, from, r)
		if err == nil && attempts > 1 {
			res.Notes = append(res.Notes, "the owner of the store changed during the import; "+
				"what was stored before that is counted as present")
		}
		return res, err
	})
}

// Log implements [memory.Historian]. Where the connection breaks it goes on behind the last record
// that it yielded.
func (f *front) Log(ctx context.Context, r memory.LogRequest) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		l := &logReader{f: f, r: r, yield: yield, p: newPatience(f.o)}
		for {
			err := l.once(ctx)
			switch {
			case err == nil || l.stopped:
				return
			case !f.retry(ctx, err):
				if !r.Follow || ctx.Err() == nil && f.ended.Err() == nil {
					yield(memory.LogRecord{}, plain(err))
				}
				return
			case !l.p.again(ctx, err):
				yield(memory.LogRecord{}, f.giveUp(ctx, err))
				return
			}
		}
	}
}

// logReader reads one log over as many connections as it takes.
type logReader struct {
	f       *front
	r       memory.LogRequest
	yield   func(memory.LogRecord, error) bool
	p       *patience
	stopped bool // the reader has had enough
	damage  int  // errors yielded since the last record; they come again with the next connection
}

// once reads until the end, or until the connection breaks.
func (l *logReader) once(ctx context.Context) error {
	c, err := l.f.connect(ctx)
	if err != nil {
		return final{err}
	}
	in, svc, exit, ok := c.enter(ctx, l.f.o, true)
	if !ok {
		return errLeaving
	}
	defer exit()
	skip := l.damage
	for rec, err := range svc.Log(in, l.r) {
		switch {
		case err != nil && l.broke(ctx, in, err):
			return l.f.judge(ctx, in, c, err)
		case err != nil && skip > 0:
			skip--
			continue
		case err != nil:
			l.damage++
		default:
			skip, l.damage = 0, 0
			l.p = newPatience(l.f.o) // it goes on
		}
		if !l.yield(rec, err) {
			l.stopped = true
			return nil
		}
		if err == nil {
			if l.r.To != 0 && rec.Seq >= l.r.To {
				return nil
			}
			l.r.From = rec.Seq + 1
		}
	}
	if ctx.Err() == nil && in.Err() != nil {
		return l.f.judge(ctx, in, c, in.Err()) // a follower's context ends without an error
	}
	return nil
}

// broke reports whether an error is of the connection, and not of a record.
func (l *logReader) broke(ctx, in context.Context, err error) bool {
	return errors.Is(err, rpc.ErrUnreachable) || memory.CodeOf(err) == memory.CodeBusy ||
		in.Err() != nil && ctx.Err() == nil
}
