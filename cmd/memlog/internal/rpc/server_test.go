package rpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// limit bounds what a test waits for, so that what hangs has a name.
const limit = 10 * time.Second

// within returns a context for one step of a test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// await receives, or ends the test.
func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		t.Fatalf("waited in vain: %s", what)
		panic("unreachable")
	}
}

// raw opens a connection without a client and sends text.
func raw(t *testing.T, path, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// blocking is a service whose search tells when it began and waits for its release.
func blocking() (svc *fake, began chan context.Context, release chan struct{}) {
	began, release = make(chan context.Context, 100), make(chan struct{})
	svc = &fake{onSearch: func(ctx context.Context, _ memory.SearchRequest) (memory.SearchResult,
		error) {
		began <- ctx
		select {
		case <-release:
			return memory.SearchResult{Seq: 7}, nil
		case <-ctx.Done():
			return memory.SearchResult{}, ctx.Err()
		}
	}}
	return svc, began, release
}

// search calls in the background.
func search(ctx context.Context, c *Client) <-chan error {
	out := make(chan error, 1)
	go func() {
		_, err := c.Search(ctx, memory.SearchRequest{})
		out <- err
	}()
	return out
}

// halves are requests that never come whole.
var halves = []string{
	"", "POST /v1/sea", "POST /v1/search HTTP/1.1\r\nHost: m\r\nContent-Le",
	"POST /v1/search HTTP/1.1\r\nHost: m\r\nContent-Length: 20\r\n\r\n{\"query\":",
	"POST /v1/search HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"que",
	"POST /v1/log HTTP/1.1\r\nHost: m\r\nContent-Length: 20\r\n\r\n{",
	"POST /v1/export HTTP/1.1\r\nHost: m\r\nContent-Length: 20\r\n\r\n{",
	"POST /v1/import HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"req",
}

// TestHalfRequests leaves requests open beside a client that goes on, on a server that takes one
// call and one stream at a time: they take nobody's place, and do not hold a shutdown up.
func TestHalfRequests(t *testing.T) {
	s, path := serve(t, &fake{}, ServerOptions{MaxInFlight: 1, MaxStreams: 1})
	for _, half := range halves {
		raw(t, path, half)
	}
	c := dial(t, path)
	for range 3 {
		_, err := c.Search(within(t), memory.SearchRequest{})
		sameError(t, err, errFull)
		_, err = c.Import(within(t), strings.NewReader("x"), memory.ImportRequest{})
		sameError(t, err, errFull)
	}
	if err := s.Shutdown(within(t)); err != nil {
		t.Error(err)
	}
}

// TestHalfRequestsEnd hangs up on whoever does not go on in time.
func TestHalfRequestsEnd(t *testing.T) {
	_, path := serve(t, &fake{}, ServerOptions{RequestTimeout: 20 * time.Millisecond,
		StreamTimeout: 20 * time.Millisecond})
	stalled := "POST /v1/import HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"d\r\n{\"request\":{\r\n3\r\n}}\n\r\ne\r\n{\"chunk\":100}\n\r\n3\r\nabc\r\n"
	for _, half := range append([]string{stalled}, halves...) {
		if half == "" {
			continue // idle, as a connection kept for the next call is
		}
		answer, err := io.ReadAll(raw(t, path, half))
		if errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(answer), "200 OK") {
			t.Errorf("%.60q: %q, %v", half, answer, err)
		}
	}
}

// TestTooLarge refuses 50 MB without reading them.
func TestTooLarge(t *testing.T) {
	const size = 50 << 20
	svc := &fake{onImport: func(_ context.Context, src io.Reader) (memory.ImportResult, error) {
		n, err := io.Copy(io.Discard, src)
		return memory.ImportResult{Present: int(n)}, err
	}}
	_, path := serve(t, svc, ServerOptions{})
	head := "POST /v1/store HTTP/1.1\r\nHost: m\r\n"
	announced := raw(t, path, head+fmt.Sprintf("Content-Length: %d\r\n\r\n{", size))
	streamed := raw(t, path, head+"Transfer-Encoding: chunked\r\n\r\n")
	go func() {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat("x", 1<<20))
		for range size >> 20 {
			if _, err := io.WriteString(streamed, chunk); err != nil {
				return // the server has had enough
			}
		}
	}()
	for name, conn := range map[string]net.Conn{"announced": announced, "streamed": streamed} {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 400 || !strings.Contains(string(body), `"invalid"`) {
			t.Errorf("%s: status %d, %s (%v)", name, res.StatusCode, body, err)
		}
	}
	c := dial(t, path)
	_, err := c.Store(within(t), memory.StoreRequest{Memories: []memory.NewMemory{
		{Content: strings.Repeat("x", size)}}})
	if memory.CodeOf(err) != memory.CodeInvalid || errors.Is(err, ErrMaybeDone) {
		t.Errorf("client: %v", err)
	}
	if svc.asked["Store"] != nil {
		t.Error("it arrived")
	}
	nowhere := &Client{hello: Hello{MaxRequest: 2}} // it cannot send, and so has to refuse before
	if _, err := nowhere.send(within(t), post("stats", byName{"x"}, nil)); memory.CodeOf(err) !=
		memory.CodeInvalid {
		t.Errorf("client that knows the limit: %v", err)
	}
	res, err := c.Import(within(t), io.LimitReader(endless{}, size), memory.ImportRequest{})
	if err != nil || res.Present != size {
		t.Errorf("an import of as much: %+v, %v", res, err)
	}
}

// endless is a source without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func TestBusy(t *testing.T) {
	svc, began, release := blocking()
	c := pair(t, svc, ServerOptions{MaxInFlight: 1})
	first := search(within(t), c)
	await(t, "the first call", began)
	_, err := c.Search(within(t), memory.SearchRequest{})
	if memory.CodeOf(err) != memory.CodeBusy || errors.Is(err, ErrMaybeDone) {
		t.Errorf("a call too many: %v", err)
	}
	close(release)
	if err := await(t, "the first answer", first); err != nil {
		t.Error(err)
	}
	if _, err := c.Search(within(t), memory.SearchRequest{}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestCancel ends the owner's context with the caller's.
func TestCancel(t *testing.T) {
	svc, began, _ := blocking()
	c := pair(t, svc, ServerOptions{})
	ctx, cancel := context.WithCancel(within(t))
	answer := search(ctx, c)
	there := await(t, "the call", began)
	cancel()
	err := await(t, "the caller's return", answer)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrMaybeDone) ||
		errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
	await(t, "the end of the owner's context", there.Done())
	_, err = c.Search(ctx, memory.SearchRequest{})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrMaybeDone) {
		t.Errorf("a call that was canceled before: %v", err)
	}
}

func TestDeadline(t *testing.T) {
	svc, began, _ := blocking()
	_, path := serve(t, svc, ServerOptions{})
	c := dial(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Search(ctx, memory.SearchRequest{})
	if memory.CodeOf(err) != memory.CodeBusy || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	if c.Owner().PID == 0 || !strings.Contains(err.Error(), fmt.Sprint("pid ", c.Owner().PID)) {
		t.Errorf("%q does not name the owner", err)
	}
	await(t, "the end of the owner's context", await(t, "the call", began).Done())
}

func TestPanic(t *testing.T) {
	c := pair(t, &fake{onSearch: func(context.Context, memory.SearchRequest) (memory.SearchResult,
		error) {
		panic("out of order")
	}}, ServerOptions{})
	for range 2 {
		_, err := c.Search(within(t), memory.SearchRequest{})
		if memory.CodeOf(err) != memory.CodeFailed || errors.Is(err, ErrUnreachable) ||
			!strings.Contains(err.Error(), "out of order") {
			t.Errorf("%v", err)
		}
	}
}

// TestManyClients has clients store at once, each on connections of its own.
func TestManyClients(t *testing.T) {
	const clients, each = 12, 15
	st := openStore(t)
	s, path := serve(t, st, ServerOptions{})
	var wg sync.WaitGroup
	for i := range clients {
		c := dial(t, path)
		wg.Go(func() {
			for j := range each {
				text := fmt.Sprintf("%d of client %d", j, i)
				res, err := c.Store(within(t), memory.StoreRequest{
					Memories: []memory.NewMemory{{Content: text}}})
				if err != nil {
					t.Error(err)
					return
				}
				m, err := c.Get(within(t), memory.GetRequest{ID: res.Stored[0].ID.String()})
				if err != nil || m.Content != text {
					t.Errorf("%q: %+v, %v", text, m, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.Clients()); n != clients {
		t.Errorf("%d clients on the list, want %d", n, clients)
	}
	if res, err := st.Stats(within(t)); err != nil || res.Memories != clients*each {
		t.Errorf("%d memories, want %d (%v)", res.Memories, clients*each, err)
	}
}

func TestUnknownMethod(t *testing.T) {
	c := pair(t, &fake{}, ServerOptions{})
	_, err := ask[nothing](within(t), c, post("of-tomorrow", nothing{}, nil))
	if memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("%v", err)
	}
}
