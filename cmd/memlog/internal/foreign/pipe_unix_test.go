//go:build linux || darwin

package foreign

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNamedPipe reads more than a buffer from a named pipe.
func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(`{"content":"a line"}`+"\n", 20_000)
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(path, []byte(text), 0) }()
	in, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in)
	if err != nil || string(b) != text {
		t.Errorf("%d of %d bytes: %v", len(b), len(text), err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}
