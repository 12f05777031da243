package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// httpProcess is memlog serve --http as a process.
type httpProcess struct {
	cmd   *exec.Cmd
	url   string
	token string
	ended chan error
}

// serveHTTP starts it and waits until it listens.
func serveHTTP(t *testing.T, bin, store string, args ...string) *httpProcess {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"serve", "--http", "127.0.0.1:0", "--json",
		"--store", store}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &httpProcess{cmd: cmd, ended: make(chan error, 1)}
	var said httpServing
	text, err := bufio.NewReader(out).ReadBytes('}')
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	go func() { p.ended <- cmd.Wait() }()
	if err != nil {
		t.Fatalf("serve --http did not start: %v, %v\n%s", err, <-p.ended, errs.String())
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	p.url = said.URL
	if said.TokenFile != "" {
		b, err := os.ReadFile(said.TokenFile)
		if err != nil {
			t.Fatal(err)
		}
		p.token = strings.TrimSpace(string(b))
	}
	return p
}

// stop ends it in order, and returns what it ended with.
func (p *httpProcess) stop(t *testing.T) error {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
		return nil
	}
}

// send sends a message, in a session of 2025-11-25 or, without one, as one of 2026-07-28.
func (p *httpProcess) send(session, method, params string) (int, http.Header, string, error) {
	if session == "" && method != "initialize" {
		params = strings.TrimSuffix(params, "}") + `, "_meta": {` +
			`"io.modelcontextprotocol/protocolVersion": "2026-07-28", ` +
			`"io.modelcontextprotocol/clientInfo": {"name": "a-test", "version": "1"}, ` +
			`"io.modelcontextprotocol/clientCapabilities": {}}}`
	}
	req, err := http.NewRequest("POST", p.url, strings.NewReader(fmt.Sprintf(
		`{"jsonrpc": "2.0", "id": 1, "method": %q, "params": %s}`, method, params)))
	if err != nil {
		return 0, nil, "", err
	}
	set := func(name, value string) { req.Header.Set(name, value) }
	set("Authorization", "Bearer "+p.token)
	set("Content-Type", "application/json")
	set("Accept", "application/json, text/event-stream")
	switch {
	case session != "":
		set("Mcp-Session-Id", session)
		set("Mcp-Protocol-Version", "2025-11-25")
	case method != "initialize":
		set("Mcp-Protocol-Version", "2026-07-28")
		set("Mcp-Method", method)
		set("Mcp-Name", regexp.MustCompile(`"name": "(.*?)"`).FindStringSubmatch(params)[1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b), err
}

// mustStore stores a memory and returns the answer.
func (p *httpProcess) mustStore(t *testing.T, session, content string) {
	t.Helper()
	status, _, body, err := p.send(session, "tools/call", storing(content))
	if err != nil || status != 200 || !strings.Contains(body, "Stored 1 memory") {
		t.Fatalf("store %q: %d %v\n%s", content, status, err, body)
	}
}

func storing(content string) string {
	return fmt.Sprintf(`{"name": "memory_store", "arguments": {"content": %q}}`, content)
}

func (p *httpProcess) session(t *testing.T) string {
	t.Helper()
	status, h, body, err := p.send("", "initialize", `{"protocolVersion": "2025-11-25", `+
		`"capabilities": {}, "clientInfo": {"name": "a-test", "version": "1"}}`)
	if err != nil || status != 200 || h.Get("Mcp-Session-Id") == "" {
		t.Fatalf("initialize: %d %v\n%s", status, err, body)
	}
	return h.Get("Mcp-Session-Id")
}

// A client over HTTP is served in both revisions while the owner of the store is killed and the
// server itself is started anew, and nothing it was told to be stored is lost.
func TestServeHTTP(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM")
	}
	bin := filepath.Join(t.TempDir(), "memlog")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	store := filepath.Join(t.TempDir(), "store")
	run := func(args ...string) []byte {
		out, err := exec.Command(bin, append(args, "--store", store, "--json")...).Output()
		if err != nil {
			t.Errorf("memlog %v: %v\n%s", args, err, out)
		}
		return out
	}
	t.Cleanup(func() { run("stop") })

	p := serveHTTP(t, bin, store)
	session := p.session(t)
	p.mustStore(t, session, "before the kill, in a session")
	var owner struct {
		PID     int
		Clients []struct{ Name string }
	}
	if err := json.Unmarshal(run("status"), &owner); err != nil || owner.PID == p.cmd.Process.Pid {
		t.Fatalf("owner %d, server %d, %v", owner.PID, p.cmd.Process.Pid, err)
	}
	if len(owner.Clients) != 1 || owner.Clients[0].Name != "memlog serve --http" {
		t.Errorf("clients of the owner: %+v", owner.Clients)
	}
	killed, err := os.FindProcess(owner.PID)
	if err == nil {
		err = killed.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.mustStore(t, session, "after the kill, in the same session")
	p.mustStore(t, "", "after the kill, without a session")

	// Told to end, it answers what is under way: what was acknowledged is there.
	var acknowledged atomic.Int64
	var clients sync.WaitGroup
	begun := make(chan struct{}, 8)
	for c := range 8 {
		clients.Go(func() {
			for i := range 1000 {
				status, _, body, err := p.send("", "tools/call", storing(fmt.Sprintf("number %d of %d", i, c)))
				if err != nil || status != 200 {
					return // it has ended
				}
				if strings.Contains(body, "Stored 1 memory") {
					acknowledged.Add(1)
				} else {
					t.Errorf("a call at the end: %s", body)
				}
				if i == 3 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	if err := p.stop(t); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	clients.Wait()
	var stats struct{ Memories int64 }
	if err := json.Unmarshal(run("stats"), &stats); err != nil {
		t.Fatal(err)
	}
	if n := acknowledged.Load(); n < 32 || stats.Memories != n+3 {
		t.Errorf("%d memories are there, %d were acknowledged before the end and 3 before", stats.Memories, n)
	}

	// The next one has the token and the memories, and tells a client of a session it does not know.
	next := serveHTTP(t, bin, store)
	if next.token != p.token {
		t.Error("the token has changed")
	}
	if status, _, body, err := next.send(session, "tools/call", storing("x")); status != 404 {
		t.Errorf("an old session: %d %v %s", status, err, body)
	}
	next.mustStore(t, next.session(t), "in a new session")
	next.token = "not-that-token"
	if status, _, _, err := next.send("", "tools/call", storing("x")); status != 401 {
		t.Errorf("with another token: %d %v", status, err)
	}
	if err := next.stop(t); err != nil {
		t.Errorf("the next server ended with %v", err)
	}
}
