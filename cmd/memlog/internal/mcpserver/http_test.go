package mcpserver

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// serveHTTP serves svc and returns the endpoint and its address.
func serveHTTP(t *testing.T, svc memory.Service, o Options, maxSessions int) (*HTTP, string) {
	t.Helper()
	o.Now = clock
	h := New(svc, o).HTTP(maxSessions)
	srv := httptest.NewServer(h)
	t.Cleanup(func() {
		h.Close()
		srv.Close()
	})
	return h, srv.URL
}

// overHTTP opens a client session that sends headers with every request.
func overHTTP(t *testing.T, url, protocol string, headers map[string]string) (*Client, error) {
	t.Helper()
	transport := &mcp.StreamableClientTransport{Endpoint: url, MaxRetries: -1,
		HTTPClient: &http.Client{Transport: sending(headers)}}
	c, err := connect(t.Context(), transport, "test-agent",
		&mcp.ClientSessionOptions{ProtocolVersion: protocol})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// sending adds headers to requests.
type sending map[string]string

func (h sending) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for k, v := range h {
		r.Header.Set(k, v)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Both revisions are served by one address, in sessions and without.
func TestRevisionsOverHTTP(t *testing.T) {
	f := &fake{memories: some(1, "a fact")}
	h, url := serveHTTP(t, f, Options{}, 0)
	for protocol, sessions := range map[string]int{"2025-11-25": 1, "2026-07-28": 0} {
		c, err := overHTTP(t, url, protocol, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.session.InitializeResult().ProtocolVersion; got != protocol {
			t.Errorf("asked for %s, got %s", protocol, got)
		}
		if all, err := c.Tools(t.Context()); err != nil || len(all) != len(tools()) {
			t.Errorf("%s: %d tools, %v", protocol, len(all), err)
		}
		if res := callTool(t, c, "memory_list", "{}"); !strings.Contains(res.Text, "a fact") {
			t.Errorf("%s: %s", protocol, res.Text)
		}
		if got := h.Sessions(); got != sessions {
			t.Errorf("%s: %d sessions are open, want %d", protocol, got, sessions)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if got := h.Sessions(); got != 0 {
			t.Errorf("%s: %d sessions are open after the end", protocol, got)
		}
	}
}

// A request that has a body of neither revision is answered by the rules of the one it names.
func TestRevisionIsInTheHeader(t *testing.T) {
	_, url := serveHTTP(t, &fake{}, Options{}, 0)
	for protocol, want := range map[string]int{"2025-11-25": 400, "2026-07-28": 405, "2099-01-01": 405} {
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(headerProtocol, protocol)
		req.Header.Set("Accept", "text/event-stream")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET in %s: %d, want %d", protocol, res.StatusCode, want)
		}
	}
}

// The log says who gave a command, as the client's headers or its session tell.
func TestOriginOverHTTP(t *testing.T) {
	f := &fake{}
	_, url := serveHTTP(t, f, Options{Session: "the-server", User: "u", Host: "h"}, 0)
	given := map[string]string{HeaderSession: "window 7", HeaderProject: "/home/me/é"}
	origin := func(protocol string, headers map[string]string) (memory.Origin, *Client) {
		c, err := overHTTP(t, url, protocol, headers)
		if err != nil {
			t.Fatal(err)
		}
		callTool(t, c, "memory_store", `{"content": "x"}`)
		return f.last(t).(memory.StoreRequest).Origin, c
	}
	for _, protocol := range []string{"2025-11-25", "2026-07-28"} {
		o, _ := origin(protocol, given)
		if o.Session != "window 7" || o.Project != "/home/me/é" || o.Client != "test-agent" ||
			o.User != "u" || o.Host != "h" || o.RequestID == "" {
			t.Errorf("%s: %+v", protocol, o)
		}
	}
	o, c := origin("2025-11-25", nil)
	if o.Session == "" || o.Session != c.session.ID() || o.Project != "" {
		t.Errorf("with a session of the protocol: %+v", o)
	}
	if o, _ = origin("2026-07-28", nil); o.Session != "the-server/test-agent" || o.Project != "" {
		t.Errorf("without any session: %+v", o)
	}
	long := map[string]string{HeaderProject: strings.Repeat("x", 2*memory.MaxProvenance)}
	if o, _ = origin("2026-07-28", long); len(o.Project) != memory.MaxProvenance {
		t.Errorf("a project of %d bytes", len(o.Project))
	}
}

// A session too many ends the one that was unused longest, and none that is in use.
func TestSessionsAreBounded(t *testing.T) {
	f := &fake{entered: make(chan struct{}), gate: make(chan struct{}), memories: some(1, "x")}
	h, url := serveHTTP(t, f, Options{}, 2)
	open := func() string {
		t.Helper()
		status, id, body := post(t, url, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":`+
			`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
		if status != 200 {
			t.Logf("not opened: %d %s", status, body)
			return ""
		}
		return id
	}
	ping := func(id string) int {
		t.Helper()
		status, _, _ := post(t, url, id, `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
		return status
	}
	a, b := open(), open()
	if a == "" || b == "" || ping(a) != 200 || ping(b) != 200 || ping(a) != 200 {
		t.Fatal("two sessions cannot be used")
	}
	c := open() // b was unused longest
	if ping(a) != 200 || ping(b) != 404 || ping(c) != 200 || h.Sessions() != 2 {
		t.Errorf("%d sessions: %d %d %d", h.Sessions(), ping(a), ping(b), ping(c))
	}
	// Both are in use: nobody has to go.
	const call = `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"memory_list"}}`
	answers := make(chan int, 2)
	for _, id := range []string{a, c} {
		go func() {
			status, _, _ := post(t, url, id, call)
			answers <- status
		}()
		<-f.entered
	}
	if id := open(); id != "" {
		t.Error("a session was opened although all are in use")
	}
	close(f.gate)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("a call in a session that was in use: %d", status)
		}
	}
	if id := open(); id == "" || h.Sessions() != 2 {
		t.Errorf("%d sessions; the last is %q", h.Sessions(), id)
	}
	// One that ends makes room, and a request that opens none leaves nothing behind.
	if status, _, body := post(t, url, "", call); status != 400 || !strings.Contains(body, "initialize") {
		t.Errorf("a call outside a session: %d %s", status, body)
	}
	if h.sessions.opening != 0 || h.Sessions() > 2 {
		t.Errorf("%d sessions, %d opening", h.Sessions(), h.sessions.opening)
	}
}

// post sends a message in a session and returns the answer's status, session and body.
func post(t *testing.T, url, session, message string) (int, string, string) {
	req, err := http.NewRequest("POST", url, strings.NewReader(message))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		req.Header.Set(headerSession, session)
		req.Header.Set(headerProtocol, "2025-11-25")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get(headerSession), string(b)
}

// A stream that broke off is resumed: the answer that was sent while nobody listened is sent again
// to who says what it got last, and only to the session it belongs to.
func TestStreamIsResumed(t *testing.T) {
	f := &fake{memories: some(1, "a fact"), gate: make(chan struct{}), entered: make(chan struct{})}
	_, url := serveHTTP(t, f, Options{}, 0)
	status, session, _ := post(t, url, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`)
	if status != http.StatusOK || session == "" {
		t.Fatalf("initialize: %d, session %q", status, session)
	}
	_, other, _ := post(t, url, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}}`)
	post(t, url, session, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)

	ctx, leave := context.WithCancel(t.Context())
	res := stream(t, ctx, "POST", url, map[string]string{headerSession: session},
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"memory_list","arguments":{}}}`)
	event := ""
	for lines := bufio.NewScanner(res.Body); event == "" && lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			event = id
		}
	}
	if event == "" {
		t.Fatal("the stream has no event to go on from")
	}
	<-f.entered
	leave()
	res.Body.Close()
	close(f.gate)

	last := map[string]string{"Last-Event-ID": event}
	last[headerSession] = other
	res = stream(t, t.Context(), "GET", url, last, "")
	if res.StatusCode == http.StatusOK {
		t.Error("another session may resume the stream")
	}
	res.Body.Close()
	last[headerSession] = session
	res = stream(t, t.Context(), "GET", url, last, "")
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), `"id":7`) && strings.Contains(lines.Text(), "a fact") {
			return
		}
	}
	t.Error("the answer did not come again")
}

// stream sends a request and returns its answer while it goes on.
func stream(t *testing.T, ctx context.Context, method, url string, headers map[string]string,
	body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set(headerProtocol, "2025-11-25")
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
