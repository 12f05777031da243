package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"memlog/cmd/memlog/internal/memory"
)

var _ memory.Service = (*Client)(nil)

// errEnough ends the reading of a stream whose reader wants no more.
var errEnough = errors.New("enough")

// Log implements [memory.Historian]. A connection that breaks ends it with ErrUnreachable, also
// where the log was followed: go on from the record after the last with the next owner. It ends
// without a word when ctx is canceled, as the store's own does.
func (c *Client) Log(ctx context.Context, r memory.LogRequest) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		enough, err := c.log(ctx, r, yield)
		if err != nil && !enough && !errors.Is(ctx.Err(), context.Canceled) {
			yield(memory.LogRecord{}, err)
		}
	}
}

// log yields records until the end; enough tells that the reader wants no more.
func (c *Client) log(ctx context.Context, r memory.LogRequest,
	yield func(memory.LogRecord, error) bool) (enough bool, err error) {
	end, err := c.begin()
	if err != nil {
		return false, err
	}
	defer end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Follow {
		followed, done := c.own.add(ctx)
		defer done()
		ctx = followed
	}
	ex, err := c.send(ctx, post(methodLog, r, nil))
	if err != nil {
		return false, err
	}
	defer ex.close()
	_, err = finish[nothing](ex, func(f frame) error {
		if f.Record == nil {
			return nil
		}
		if !yield(*f.Record, f.Error.err()) {
			enough = true
			return errEnough
		}
		return nil
	})
	return enough, err
}

// Export implements [memory.Mover]. Where it fails, what was written to w is not all.
func (c *Client) Export(ctx context.Context, w io.Writer, r memory.ExportRequest) (
	memory.ExportResult, error) {
	end, err := c.begin()
	if err != nil {
		return memory.ExportResult{}, err
	}
	defer end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ex, err := c.send(ctx, post(methodExport, r, r.Progress))
	if err != nil {
		return memory.ExportResult{}, err
	}
	defer ex.close()
	return finish[memory.ExportResult](ex, func(f frame) error {
		out := &keptError{w: w}
		_, err := io.CopyN(out, ex.frames.r, f.Chunk)
		switch {
		case out.err != nil:
			return fmt.Errorf("write export: %w", out.err)
		case errors.Is(err, io.EOF):
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return ex.broken(err)
		}
		return nil
	})
}

// keptError is a writer that keeps its error apart from that of the other end.
type keptError struct {
	w   io.Writer
	err error
}

func (k *keptError) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	k.err = err
	return n, err
}

// Import implements [memory.Mover]. The source cannot be read a second time here: where the
// connection breaks, it is the caller who begins again. Where the answer comes before the source
// has ended, one Read of it may still be under way on return.
func (c *Client) Import(ctx context.Context, src io.Reader, r memory.ImportRequest) (
	memory.ImportResult, error) {
	end, err := c.begin()
	if err != nil {
		return memory.ImportResult{}, err
	}
	defer end()
	body := newFramedSource(src, r)
	defer body.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ex, err := c.send(ctx, request{http: http.MethodPost, method: methodImport, source: body,
		progress: r.Progress})
	if err != nil {
		return memory.ImportResult{}, err
	}
	defer ex.close()
	return finish[memory.ImportResult](ex, func(frame) error { return nil })
}
