package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// envChild names what a child process of a test does; envDir the store it does it to, envArg the
// rest of what it is told.
const (
	envChild = "MEMLOG_TEST_CHILD"
	envDir   = "MEMLOG_TEST_DIR"
	envArg   = "MEMLOG_TEST_ARG"
)

// TestMain runs the tests, or, in a process that a test started, a child's part of one.
func TestMain(m *testing.M) {
	parts := map[string]func(dir, arg string, say *teller) error{
		"kill": killChild, "hammer": hammerChild, "hold": holdChild, "fill": fillChild,
		"count": countChild, "embed": embedChild,
	}
	name := os.Getenv(envChild)
	if name == "" {
		os.Exit(m.Run())
	}
	part, ok := parts[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no child %q\n", name)
		os.Exit(2)
	}
	if err := part(os.Getenv(envDir), os.Getenv(envArg), &teller{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// teller writes lines to the parent, each by one write, so that what was told before a kill is
// whole. mu orders the lines of several goroutines.
type teller struct{ mu sync.Mutex }

func (t *teller) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(os.Stdout, format+"\n", args...)
}

// child is a process that a test started from its own binary.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	errs  strings.Builder
}

// start starts a child. It is killed when the test ends, if it still runs then.
func start(t *testing.T, name, dir, arg string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), envChild+"="+name, envDir+"="+dir, envArg+"="+arg)
	c.cmd.Stderr = &c.errs
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			c.kill()
		}
	})
	return c
}

// kill ends the child at once and returns what it said that was not read yet.
func (c *child) kill() []string {
	_ = c.cmd.Process.Kill()
	return c.rest()
}

// rest reads what the child says until its end, and waits for that.
func (c *child) rest() []string {
	var out []string
	for c.lines.Scan() {
		out = append(out, c.lines.Text())
	}
	_ = c.cmd.Wait()
	return out
}

// next reads one line; false where there is none any more.
func (c *child) next() (string, bool) { ok := c.lines.Scan(); return c.lines.Text(), ok }

// expect reads one line, which has to begin with a word.
func (c *child) expect(word string) string {
	c.t.Helper()
	line, ok := c.next()
	if !ok || !strings.HasPrefix(line, word) {
		_ = c.kill()
		c.t.Fatalf("child said %q, want %s; stderr: %s", line, word, c.errs.String())
	}
	return line
}

// openStore opens a store and closes it when the test ends.
func openStore(t *testing.T, dir string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// verified holds a store against a deep verify: undamaged, and its index equal to a fresh replay.
func verified(t *testing.T, s memory.Service) memory.VerifyResult {
	t.Helper()
	v, err := s.Verify(context.Background(), memory.VerifyRequest{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	if !v.OK || len(v.Problems) > 0 || v.Index.Digest != v.Index.Replayed {
		t.Fatalf("verify: %+v", v)
	}
	return v
}

// add stores one memory.
func add(t *testing.T, s memory.Service, content string) memory.StoreResult {
	t.Helper()
	res, err := s.Store(context.Background(),
		memory.StoreRequest{Memories: []memory.NewMemory{{Content: content}}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}
