package rpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// envServe has the test binary serve on the socket it names.
const envServe = "MEMLOG_RPC_TEST_SERVE"

func TestMain(m *testing.M) {
	if path := os.Getenv(envServe); path != "" {
		serveAsChild(path)
		return
	}
	if path := os.Getenv(envKnock); path != "" {
		knockAsChild(path)
		return
	}
	os.Exit(m.Run())
}

// serveAsChild serves a service whose searches never end, until its parent has gone. It says a line
// when it listens, and one at each search.
func serveAsChild(path string) {
	svc := &fake{onSearch: func(ctx context.Context, _ memory.SearchRequest) (memory.SearchResult,
		error) {
		fmt.Println("search")
		<-ctx.Done()
		return memory.SearchResult{}, ctx.Err()
	}}
	l, err := Listen(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening")
	go NewServer(svc, ServerOptions{}).Serve(l)
	_, err = io.Copy(io.Discard, os.Stdin)
	fmt.Println("parent has gone", err)
}

// envKnock has the test binary knock at the socket it names, and say what came of it.
const envKnock = "MEMLOG_RPC_TEST_KNOCK"

// knockAsChild greets as a program does that checks nothing.
func knockAsChild(path string) {
	c, err := net.Dial("unix", path)
	if err != nil {
		fmt.Println("dial:", err)
		return
	}
	_, err = io.WriteString(c, "GET "+pathHello+" HTTP/1.1\r\nHost: memlog\r\n\r\n")
	answer := make([]byte, 4096)
	n, rerr := c.Read(answer)
	fmt.Printf("answer: %q, %v, %v\n", answer[:n], err, rerr)
}

// child is an owner in a process of its own.
type child struct {
	*exec.Cmd
	path string
	out  *bufio.Scanner
}

func startChild(t *testing.T) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(exe), path: filepath.Join(shortDir(t), "s.sock")}
	c.Env = append(os.Environ(), envServe+"="+c.path)
	if _, err := c.StdinPipe(); err != nil { // kept open for as long as this process lives
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(stdout)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	c.says(t, "listening")
	return c
}

func (c *child) says(t *testing.T, want string) {
	t.Helper()
	if !c.out.Scan() || c.out.Text() != want {
		t.Fatalf("the owner says %q, want %q (%v)", c.out.Text(), want, c.out.Err())
	}
}

func (c *child) kill() {
	if c.Process.Kill() == nil {
		_ = c.Wait() // says that it was killed
	}
}

// TestKilled kills the owner in the middle of a call.
func TestKilled(t *testing.T) {
	owner := startChild(t)
	c := dial(t, owner.path)
	answer := search(within(t), c)
	owner.says(t, "search")
	owner.kill()
	lost(t, "the call under way", await(t, "its end", answer), true, true)
	await(t, "the client's end", c.Done())
	_, err := c.Search(within(t), memory.SearchRequest{})
	lost(t, "the call after it", err, true, false)
	_, err = Dial(within(t), owner.path, ClientOptions{})
	lost(t, "a client after it", err, true, false)
	l, err := Listen(owner.path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, &fake{}, ServerOptions{}, l)
	_, err = dial(t, owner.path).Search(within(t), memory.SearchRequest{})
	sameError(t, err, errFull)
}
