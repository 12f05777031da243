package httpserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

const secret = "a-token-of-these-tests"

// endpoint is what the tests serve at /mcp: it answers with the body it was sent.
type endpoint struct {
	gate    chan struct{} // where set, requests wait for it or for their context
	entered chan struct{} // where set, told of each request
	closed  bool
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.entered != nil {
		e.entered <- struct{}{}
	}
	if e.gate != nil {
		select {
		case <-e.gate:
		case <-r.Context().Done():
			return
		}
	}
	io.Copy(w, r.Body)
}

func (e *endpoint) IsStream(r *http.Request) bool { return r.Method == http.MethodGet }
func (e *endpoint) Sessions() int                 { return 3 }
func (e *endpoint) Close() error                  { e.closed = true; return nil }

// running is a server that serves until it is stopped.
type running struct {
	*Server
	base string
	stop func() error // ends it and waits
}

func start(t *testing.T, o Options) *running {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.MCP == nil {
		o.MCP = &endpoint{}
	}
	o.Token = secret
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	stopped := false
	r := &running{Server: s, base: strings.TrimSuffix(s.URL(), "/mcp"), stop: func() error {
		stopped = true
		cancel()
		return <-ended
	}}
	t.Cleanup(func() {
		if !stopped {
			if err := r.stop(); err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
	return r
}

// ask sends a request with the token; change alters it.
func (r *running) ask(
	t *testing.T, method, path, body string, change func(*http.Request),
) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func TestWhoMayCall(t *testing.T) {
	r := start(t, Options{Hosts: []string{"Memory.Example"}})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("Authorization", "Bearer "+secret)
			if value == "" {
				r.Header.Del(name)
			} else {
				r.Header.Set(name, value)
			}
		}
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		says   string
	}{
		{"token", nil, 200, "hello"},
		{"scheme in other case", header("Authorization", "bearer "+secret), 200, "hello"},
		{"no token", header("Authorization", ""), 401, "a token is needed"},
		{"wrong token", header("Authorization", "Bearer a-token-of-those-tests"), 401, "not that of"},
		{"half a token", header("Authorization", "Bearer "+secret[:10]), 401, "not that of"},
		{"longer token", header("Authorization", "Bearer "+secret+"x"), 401, "not that of"},
		{"empty token", header("Authorization", "Bearer "), 401, "not that of"},
		{"basic", header("Authorization", "Basic "+secret), 401, "a token is needed"},
		{"localhost", host("localhost:1234"), 200, "hello"},
		{"loopback", host("[::1]:1234"), 200, "hello"},
		{"127.0.0.2", host("127.0.0.2"), 200, "hello"},
		{"allowed name", host("memory.example:80"), 200, "hello"},
		{"rebound name", host("evil.example"), 403, "not a name of this server"},
		{"name that begins like ours", host("localhost.evil.example"), 403, "not a name"},
		{"another address", host("192.0.2.1"), 403, "not a name of this server"},
		{"own origin", header("Origin", "http://localhost:3000"), 200, "hello"},
		{"allowed origin", header("Origin", "https://memory.example"), 200, "hello"},
		{"foreign origin", header("Origin", "https://evil.example"), 403, "may not call"},
		{"no origin of its own", header("Origin", "null"), 403, "may not call"},
		{"broken origin", header("Origin", "http://%zz"), 403, "may not call"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, h := r.ask(t, "POST", "/mcp", "hello", c.change)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("got %d %q, want %d and %q", status, body, c.status, c.says)
			}
			if status == 401 && !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("no challenge: %v", h)
			}
			if len(h.Values("Access-Control-Allow-Origin")) > 0 {
				t.Errorf("another page may read the answer: %v", h)
			}
		})
	}
}

func TestRemoteAddress(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		s, err := Listen(Options{Addr: addr, MCP: &endpoint{}})
		if err == nil {
			s.listener.Close()
			t.Errorf("%s was listened on", addr)
		} else if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), "other machines") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{"", "7433", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http:x", "127.0.0.1:99999"} {
		s, err := Listen(Options{Addr: addr, MCP: &endpoint{}})
		if err == nil {
			s.listener.Close()
		}
		if memory.CodeOf(err) != memory.CodeInvalid {
			t.Errorf("%q: %v", addr, err)
		}
	}
	// Told to, it listens, and its addresses are its names; other names are not.
	r := start(t, Options{Addr: "0.0.0.0:0", Remote: true})
	_, port, err := net.SplitHostPort(r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r.base = "http://127.0.0.1:" + port
	for host, want := range map[string]int{"192.0.2.1:80": 200, "evil.example": 403} {
		got, body, _ := r.ask(t, "POST", "/mcp", "x", func(r *http.Request) { r.Host = host })
		if got != want {
			t.Errorf("%s: got %d %s, want %d", host, got, body, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	well := errors.New("it is not open")
	r := start(t, Options{Health: func(context.Context) error { return well }})
	none := func(r *http.Request) { r.Header.Del("Authorization") }
	status, body, _ := r.ask(t, "GET", "/healthz", "", none)
	if status != 503 || strings.Contains(body, "open") {
		t.Errorf("unwell: %d %q", status, body)
	}
	well = nil
	if status, body, _ := r.ask(t, "GET", "/healthz", "", none); status != 200 || body != "ok\n" {
		t.Errorf("well: %d %q", status, body)
	}
	if status, _, _ := r.ask(t, "POST", "/healthz", "", none); status != 405 {
		t.Errorf("POST /healthz: %d", status)
	}
	if status, body, _ := r.ask(t, "GET", "/metrics", "", none); status != 401 || strings.Contains(body, "memlog_") {
		t.Errorf("metrics without a token: %d %q", status, body)
	}
	status, body, _ = r.ask(t, "GET", "/metrics", "", nil)
	for _, want := range []string{`memlog_http_requests_total{code="401"} 1`, "memlog_http_sessions 3"} {
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("metrics: %d, no %s in\n%s", status, want, body)
		}
	}
	if status, _, _ := r.ask(t, "GET", "/", "", nil); status != 404 {
		t.Errorf("GET /: %d", status)
	}
}

// A body of 50 MB is refused at its announcement, and where it is not announced, at its limit.
func TestLargeBody(t *testing.T) {
	entered := make(chan struct{}, 10)
	r := start(t, Options{MCP: &endpoint{entered: entered}})
	for name, hide := range map[string]bool{"announced": false, "chunked": true} {
		req, err := http.NewRequest("POST", r.URL(), io.LimitReader(zeros{}, 50<<20))
		if err != nil {
			t.Fatal(err)
		}
		if !hide {
			req.ContentLength = 50 << 20
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 413 || !strings.Contains(string(b), "41943040 bytes") {
			t.Errorf("%s: %d %s", name, res.StatusCode, b)
		}
	}
	if len(entered) > 0 {
		t.Error("a body that is too large was carried out")
	}
	// Announced, it is refused before any of it has come.
	c := dial(t, r, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+secret+
		"\r\nContent-Length: 50000000\r\n\r\n")
	line := make([]byte, len("HTTP/1.1 413"))
	if _, err := io.ReadFull(c, line); err != nil || string(line) != "HTTP/1.1 413" {
		t.Errorf("announced: %q %v", line, err)
	}
	// What is just small enough goes through.
	body := strings.Repeat("x", MaxBody)
	if status, got, _ := r.ask(t, "POST", "/mcp", body, nil); status != 200 || len(got) != MaxBody {
		t.Errorf("largest body: %d, %d bytes", status, len(got))
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// A body that comes slowly is cut off, and one that ends early is not carried out.
func TestSlowBody(t *testing.T) {
	entered := make(chan struct{}, 10)
	r := start(t, Options{BodyTime: 300 * time.Millisecond, MCP: &endpoint{entered: entered}})
	head := "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret +
		"\r\nContent-Length: 100\r\n\r\nhalf"
	slow := dial(t, r, head)
	b, err := io.ReadAll(slow)
	if err != nil || !strings.Contains(string(b), "408 Request Timeout") {
		t.Errorf("slow body: %v %s", err, b)
	}
	cut := dial(t, r, head)
	if err := cut.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b, err = io.ReadAll(cut)
	if err != nil || !strings.Contains(string(b), "400 Bad Request") {
		t.Errorf("half a body: %v %s", err, b)
	}
	if len(entered) > 0 {
		t.Error("half a request was carried out")
	}
	// The limit is one of the body: an answer may take longer.
	gate := make(chan struct{})
	r = start(t, Options{BodyTime: 50 * time.Millisecond, MCP: &endpoint{gate: gate}})
	time.AfterFunc(200*time.Millisecond, func() { close(gate) })
	if status, body, _ := r.ask(t, "POST", "/mcp", "hello", nil); status != 200 || body != "hello" {
		t.Errorf("slow answer: %d %s", status, body)
	}
	ended := make(chan struct{})
	r = start(t, Options{BodyTime: 50 * time.Millisecond, MCP: &endpoint{gate: make(chan struct{})}})
	stream := dial(t, r, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+
		"Authorization: Bearer "+secret+"\r\n\r\n")
	go func() {
		io.ReadAll(stream)
		close(ended)
	}()
	select {
	case <-ended:
		t.Error("a stream was ended for its age")
	case <-time.After(300 * time.Millisecond):
	}
}

func dial(t *testing.T, r *running, send string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTooManyRequests(t *testing.T) {
	r := start(t, Options{RequestRate: 0.001}) // one, then none for long
	if status, body, _ := r.ask(t, "POST", "/mcp", "x", nil); status != 200 {
		t.Fatalf("first: %d %s", status, body)
	}
	status, body, h := r.ask(t, "POST", "/mcp", "x", nil)
	if status != 429 || !strings.Contains(body, "requests a second") || h.Get("Retry-After") == "" {
		t.Errorf("second: %d %s %v", status, body, h)
	}
}

// Who guesses tokens is slowed down, and takes nothing from who has it.
func TestTooManyRefusals(t *testing.T) {
	r := start(t, Options{})
	seen := map[int]int{}
	for range 4 * RefusalRate {
		status, _, _ := r.ask(t, "POST", "/mcp", "x", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer guess")
		})
		seen[status]++
	}
	if seen[401] == 0 || seen[429] == 0 || seen[401]+seen[429] != 4*RefusalRate {
		t.Errorf("guesses were answered with %v", seen)
	}
	if status, body, _ := r.ask(t, "POST", "/mcp", "x", nil); status != 200 {
		t.Errorf("with the token: %d %s", status, body)
	}
}

func TestTooManyCalls(t *testing.T) {
	e := &endpoint{gate: make(chan struct{}), entered: make(chan struct{})}
	r := start(t, Options{MCP: e, MaxCalls: 2, MaxStreams: 1})
	answers := make(chan int, 3)
	send := func(method string) {
		req, err := http.NewRequest(method, r.URL(), nil)
		if err != nil {
			t.Error(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		res.Body.Close()
		answers <- res.StatusCode
	}
	for _, method := range []string{"POST", "POST", "GET"} {
		go send(method)
		<-e.entered
	}
	for method, want := range map[string]string{
		"POST": "2 requests are under way", "GET": "1 streams are open",
	} {
		status, body, _ := r.ask(t, method, "/mcp", "", nil)
		if status != 429 || !strings.Contains(body, want) {
			t.Errorf("one %s too many: %d %s", method, status, body)
		}
	}
	close(e.gate)
	for range 3 {
		if got := <-answers; got != 200 {
			t.Errorf("answer of one that had its place: %d", got)
		}
	}
	e.entered = nil
	if status, _, _ := r.ask(t, "POST", "/mcp", "", nil); status != 200 {
		t.Errorf("a place was not given back: %d", status)
	}
}

// At the end streams are ended, calls under way are answered, and nobody new is let in.
func TestEnd(t *testing.T) {
	e := &endpoint{gate: make(chan struct{}), entered: make(chan struct{})}
	r := start(t, Options{MCP: e})
	type result struct {
		method, body string
		err          error
	}
	results := make(chan result, 2)
	send := func(method string) {
		req, _ := http.NewRequest(method, r.URL(), strings.NewReader("hello"))
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			results <- result{method, "", err}
			return
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		results <- result{method, string(b), err}
	}
	go send("POST")
	<-e.entered
	go send("GET")
	<-e.entered
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	if got := <-results; got.method != "GET" || got.err != nil || got.body != "" {
		t.Errorf("the stream ended with %+v", got)
	}
	select {
	case err := <-ended:
		t.Fatalf("the server ended before its call: %v", err)
	default:
	}
	close(e.gate)
	if got := <-results; got.method != "POST" || got.err != nil || got.body != "hello" {
		t.Errorf("the call ended with %+v", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if !e.closed {
		t.Error("the endpoint was not closed")
	}
	if c, err := net.Dial("tcp", r.listener.Addr().String()); err == nil {
		c.Close()
		t.Error("somebody was let in after the end")
	}
}
