package polled

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// pair returns the two ends of a Unix socket.
func pair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return Conn(a), Conn(b)
}

// TestConnCarriesMuch sends more than a socket holds, both ways at once, in pieces of any size.
func TestConnCarriesMuch(t *testing.T) {
	a, b := pair(t)
	var wg sync.WaitGroup
	for i, ends := range [][2]net.Conn{{a, b}, {b, a}} {
		sent := make([]byte, 5<<20)
		chance := rand.NewChaCha8([32]byte{byte(i)})
		_, _ = chance.Read(sent)
		wg.Go(func() {
			n, err := ends[0].Write(sent)
			if n != len(sent) || err != nil {
				t.Errorf("wrote %d of %d bytes: %v", n, len(sent), err)
			}
		})
		wg.Go(func() {
			var got []byte
			for part := make([]byte, 300<<10); len(got) < len(sent); {
				n, err := ends[1].Read(part[:1+chance.Uint64()%uint64(len(part))])
				got = append(got, part[:n]...)
				if err != nil {
					t.Errorf("read behind %d bytes: %v", len(got), err)
					return
				}
			}
			if !bytes.Equal(got, sent) {
				t.Error("other bytes arrived than were sent")
			}
		})
	}
	wg.Wait()
}

func TestConnEndsWithTheOther(t *testing.T) {
	a, b := pair(t)
	if _, err := b.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	if got, err := io.ReadAll(a); err != nil || string(got) != "last" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := a.Write([]byte("nobody reads")); err == nil {
		t.Error("a write to nobody succeeded")
	}
	if n, err := a.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing: %d, %v", n, err)
	}
}

func TestConnDeadlines(t *testing.T) {
	a, _ := pair(t)
	calls := map[string]func() error{
		"read":  func() error { _, err := a.Read(make([]byte, 1)); return err },
		"write": func() error { _, err := a.Write(make([]byte, 8<<20)); return err },
	}
	for name, call := range calls {
		if err := a.SetDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want the deadline", name, err)
		}
	}
}

func TestConnCloseEndsARead(t *testing.T) {
	a, _ := pair(t)
	done := make(chan error)
	go func() {
		_, err := a.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(10 * time.Millisecond) // the read waits, most likely
	_ = a.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}

// TestConnLeavesOthers passes a connection on that has no descriptor.
func TestConnLeavesOthers(t *testing.T) {
	a, _ := net.Pipe()
	if Conn(a) != a {
		t.Error("a connection in memory is changed")
	}
}
