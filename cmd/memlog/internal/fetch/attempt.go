package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	copyBytes = 64 << 10
	// syncEvery is how much may come before it is synced and noted: what a kill can cost.
	syncEvery = 4 << 20
)

// errStalled is the cause that a request ends with when too little came.
var errStalled = errors.New("the server sends nothing")

// errOther: what the server sends now is not a continuation of what is here.
var errOther = errors.New("the file changed on the server")

// watch ends a request that brings too little for too long.
type watch struct {
	timer *time.Timer
	stall time.Duration
	came  int // since the timer was set
}

func (w *watch) read(n int) {
	if w.came += n; w.came >= StallBytes {
		w.came = 0
		w.timer.Reset(w.stall)
	}
}

// attempt asks for what is missing of a file, and returns how many bytes came.
func (r *run) attempt(ctx context.Context, f File, p *part) (int64, error) {
	if !r.there(f, p) {
		*p = part{}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watch{stall: r.Stall, timer: time.AfterFunc(r.Stall, func() { cancel(errStalled) })}
	defer w.timer.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.JoinPath(f.Name).String(), nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges are of the file itself
	if r.Agent != "" {
		req.Header.Set("User-Agent", r.Agent)
	}
	p.ask(req.Header)
	res, err := r.client.Do(req)
	if errors.Is(err, errRedirect) {
		return 0, err
	}
	if err != nil {
		return 0, passing{r.stalled(ctx, err)}
	}
	defer res.Body.Close()
	if done, err := p.answered(req, res); done || err != nil {
		return 0, err
	}
	if p.Size > f.Max {
		return 0, fmt.Errorf("it has %d bytes, at most %d", p.Size, f.Max)
	}
	begin := p.Have
	err = r.copy(ctx, f, p, res.Body, w)
	return p.Have - begin, err
}

// there reports whether what the state says of a file is on the disk.
func (r *run) there(f File, p *part) bool {
	info, err := r.dir.Stat(f.Name)
	return err == nil && info.Mode().IsRegular() && info.Size() >= p.Have
}

// stalled says why a request ended, where it was for want of bytes.
func (r *run) stalled(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return fmt.Errorf("%w for %v", errStalled, r.Stall)
	}
	return err
}

// answered looks at the header of an answer, and makes p what the body continues. done: it is whole
// as it is.
func (p *part) answered(req *http.Request, res *http.Response) (done bool, err error) {
	switch code := res.StatusCode; {
	case code == http.StatusNotModified && p.Whole:
		return true, nil
	case code == http.StatusPartialContent && req.Header.Get("Range") != "":
		var from, to, size int64
		_, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size)
		etag := res.Header.Get("ETag")
		if err != nil || from != p.Have || size != p.Size && p.Size >= 0 ||
			etag != "" && p.ETag != "" && etag != p.ETag {
			*p = part{}
			return false, passing{errOther}
		}
		p.Size = size
		return false, nil
	case code == http.StatusOK:
		*p = newPart(res.Header, res.ContentLength)
		return false, nil
	case code == http.StatusRequestedRangeNotSatisfiable:
		*p = part{}
		return false, passing{errOther}
	case code == http.StatusTooManyRequests, code >= 500:
		return false, passing{fmt.Errorf("the server answers %s", res.Status)}
	}
	return false, fmt.Errorf("the server answers %s to %s", res.Status, req.URL.Redacted())
}

// copy writes the body behind what is there. What was written is noted, however it ends.
func (r *run) copy(ctx context.Context, f File, p *part, body io.Reader, w *watch) (err error) {
	out, err := r.dir.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	if p.Have == 0 { // what was noted of another file ends before that is overwritten
		if err := r.state.save(r.dir); err != nil {
			return err
		}
	}
	if err := out.Truncate(p.Have); err != nil {
		return err
	}
	if _, err := out.Seek(p.Have, io.SeekStart); err != nil {
		return err
	}
	at := p.Have // written, and not yet synced
	buf := make([]byte, copyBytes)
	for {
		n, rerr := body.Read(buf)
		w.read(n)
		if at+int64(n) > f.Max {
			return fmt.Errorf("more than %d bytes came", f.Max)
		}
		if _, err := out.Write(buf[:n]); err != nil {
			return errors.Join(err, r.keep(out, p, at)) // a part of these may be there: not counted
		}
		at += int64(n)
		if r.Progress != nil && n > 0 {
			r.Progress(f.Name, at, max(p.Size, 0))
		}
		switch {
		case rerr == io.EOF && p.Size >= 0 && at != p.Size:
			rerr = io.ErrUnexpectedEOF
		case rerr == io.EOF:
			p.Whole, p.Size = true, at
			return r.keep(out, p, at)
		case rerr == nil && at-p.Have >= syncEvery:
			rerr = r.keep(out, p, at)
			if rerr != nil {
				return rerr
			}
		}
		if rerr != nil {
			if err := r.keep(out, p, at); err != nil {
				return err
			}
			return passing{fmt.Errorf("cut off after %d bytes: %w", at, r.stalled(ctx, rerr))}
		}
	}
}

// keep brings what was written to the disk, then notes it.
func (r *run) keep(out *os.File, p *part, at int64) error {
	if err := out.Sync(); err != nil {
		return err
	}
	p.Have = at
	return r.state.save(r.dir)
}
