package mcpserver

import (
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// childEnv makes the test binary a server on stdin and stdout.
const childEnv = "MEMLOG_MCPSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		f := &fake{memories: some(1, "from the child")}
		if err := Run(context.Background(), f, Options{Version: "9"}); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// A real session with a child process, from the handshake to the end of it.
func TestDial(t *testing.T) {
	cmd := child(t)
	c, err := Dial(t.Context(), cmd, "a-test")
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, tool := range tools() {
		want = append(want, tool.name)
	}
	for _, tool := range list {
		got = append(got, tool.Name)
		if tool.Title == "" || tool.Description == "" {
			t.Errorf("%s has no title or description", tool.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("tools %v, want %v", got, want)
	}
	res, err := c.Call(t.Context(), "memory_search", map[string]any{"query": "x"})
	if err != nil || res.IsError || !strings.Contains(res.Text, "from the child") ||
		!strings.Contains(string(res.Structured), `"content":"from the child"`) {
		t.Errorf("search: %+v, %v", res, err)
	}
	if res, err := c.Call(t.Context(), "memory_search", nil); err != nil || !res.IsError {
		t.Errorf("search without a query: %+v, %v", res, err)
	}
	if _, err := c.Call(t.Context(), "no_such_tool", nil); err == nil {
		t.Error("a tool that is not there answered")
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if cmd.ProcessState == nil || !cmd.ProcessState.Success() {
		t.Errorf("the child ended with %v", cmd.ProcessState)
	}
}

func TestDialFails(t *testing.T) {
	if _, err := Dial(t.Context(), exec.Command("/no/such/program"), "a-test"); err == nil {
		t.Error("a program that is not there was dialled")
	}
	if _, err := Dial(t.Context(), exec.Command("true"), "a-test"); err == nil {
		t.Error("a program that speaks no MCP was dialled")
	}
}

// Stdin closes: the child ends by itself and with success, and stdout has held the protocol only.
func TestRunEndsWithStdin(t *testing.T) {
	cmd := child(t)
	cmd.Stdin = strings.NewReader(
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
			`"capabilities":{},"clientInfo":{"name":"p","version":"1"}}}` + "\n" +
			storeLine(1, `{"content":"x"}`))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines on stdout:\n%s", len(lines), out)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, `{"jsonrpc":"2.0"`) {
			t.Errorf("line %d is %q", i, line)
		}
	}
	if !strings.Contains(string(out), `"version":"9"`) {
		t.Errorf("the version is not in %s", lines[0])
	}
}

// Two sessions of one server do not mix up who is who.
func TestSessionsAreApart(t *testing.T) {
	f := &fake{}
	s := New(f, Options{Session: "s"})
	for _, name := range []string{"one", "two"} {
		in, w := io.Pipe()
		r, out := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- s.Serve(t.Context(), in, out) }()
		c, err := connect(t.Context(), &mcp.IOTransport{Reader: r, Writer: w}, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		callTool(t, c, "memory_store", `{"content": "x"}`)
		if got := f.last(t).(memory.StoreRequest).Origin.Client; got != name {
			t.Errorf("client %q, want %q", got, name)
		}
		c.Close()
		<-done
	}
}

// Who calls is said once, when the first client has shaken hands.
func TestReady(t *testing.T) {
	for _, protocol := range []string{"2025-11-25", "2026-07-28"} {
		said := make(chan Caller, 2)
		c := sessionAt(t, &fake{}, Options{Session: "s", ProjectDir: "/p",
			Ready: func(who Caller) { said <- who }}, protocol)
		callTool(t, c, "memory_list", `{}`)
		want := Caller{Client: "test-agent", Version: "1", Session: "s", Project: "/p"}
		if got := <-said; got != want {
			t.Errorf("%s: %+v, want %+v", protocol, got, want)
		}
		if len(said) != 0 {
			t.Errorf("%s: said again: %+v", protocol, <-said)
		}
	}
}

// A client of a revision without a handshake may begin with any request.
func TestReadyAtOnce(t *testing.T) {
	said := make(chan Caller, 2)
	in, _ := serve(t, &fake{}, Options{Session: "s", Ready: func(who Caller) { said <- who }})
	_, err := io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{`+
		`"name":"memory_list","arguments":{},"_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientCapabilities":{},`+
		`"io.modelcontextprotocol/clientInfo":{"name":"hasty","version":"3"}}}}`+"\n")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-said:
		if want := (Caller{Client: "hasty", Version: "3", Session: "s"}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody was said to be there")
	}
}
