package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// fake is a service whose calls fail as often as told, and that notes what it was asked.
type fake struct {
	memory.Service
	fail   []error  // of the next calls
	ids    []string // request ids
	groups []string
	opened int
}

var (
	errBroken = fmt.Errorf("fake: %w", rpc.ErrUnreachable)
	errMaybe  = fmt.Errorf("fake: %w, %w", rpc.ErrUnreachable, rpc.ErrMaybeDone)
	errBusy   = memory.Errorf(memory.CodeBusy, "queue is full")
)

func (f *fake) Close() error { return nil }

func (f *fake) next() error {
	if len(f.fail) == 0 {
		return nil
	}
	err := f.fail[0]
	f.fail = f.fail[1:]
	return err
}

func (f *fake) note(o memory.Origin) error {
	f.ids = append(f.ids, o.RequestID)
	return f.next()
}

func (f *fake) Store(_ context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return memory.StoreResult{Seq: 7}, f.note(r.Origin)
}

func (f *fake) Update(_ context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return memory.Change{}, f.note(r.Origin)
}

func (f *fake) Delete(_ context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return memory.Change{}, f.note(r.Origin)
}

func (f *fake) Restore(_ context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return memory.Change{}, f.note(r.Origin)
}

func (f *fake) Link(_ context.Context, r memory.LinkRequest) (memory.Change, error) {
	return memory.Change{}, f.note(r.Origin)
}

func (f *fake) Duplicates(_ context.Context, r memory.DuplicatesRequest) (
	memory.DuplicatesResult, error) {
	return memory.DuplicatesResult{}, f.note(r.Origin)
}

func (f *fake) Undo(_ context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return memory.UndoResult{}, f.note(r.Origin)
}

func (f *fake) Revert(_ context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return memory.RevertResult{}, f.note(r.Origin)
}

func (f *fake) Import(_ context.Context, src io.Reader, r memory.ImportRequest) (
	memory.ImportResult, error) {
	b, err := io.ReadAll(src)
	if err == nil && string(b) != source {
		err = fmt.Errorf("source is %q", b)
	}
	f.groups = append(f.groups, r.Group)
	return memory.ImportResult{}, errors.Join(f.note(r.Origin), err)
}

func (f *fake) Export(_ context.Context, w io.Writer, _ memory.ExportRequest) (
	memory.ExportResult, error) {
	if err := f.next(); err != nil {
		return memory.ExportResult{}, err
	}
	if _, err := io.WriteString(w, "part"); err != nil {
		return memory.ExportResult{}, err
	}
	return memory.ExportResult{}, f.next()
}

func (f *fake) Replay(context.Context, memory.ReplayRequest) (memory.ReplayResult, error) {
	return memory.ReplayResult{}, f.next()
}

const source = "one\ntwo\n"

// fakeFront is a service of a fake store in this process, which is not served: its errors come as
// they are.
func fakeFront(t *testing.T, fail ...error) (*world, memory.Service, *fake) {
	t.Helper()
	w := newWorld(t)
	f := &fake{fail: fail}
	o := daemon.Options{Store: t.TempDir(), Deadline: 2 * time.Second, // bounds what is never answered
		Open: func(context.Context) (memory.Service, error) { f.opened++; return f, nil }}
	long := filepath.Join(w.run, strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", long)
	t.Setenv("TMPDIR", long) // where sockets are otherwise
	s, err := daemon.OneShot(w.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, s, f
}

// TestSentAgain breaks the connection of every kind of change, twice: each attempt has the same
// request id, each command another.
func TestSentAgain(t *testing.T) {
	w, s, f := fakeFront(t)
	seen := map[string]string{}
	for name, give := range map[string]func() error{
		"store":      func() error { _, err := s.Store(w.ctx, memory.StoreRequest{}); return err },
		"update":     func() error { _, err := s.Update(w.ctx, memory.UpdateRequest{}); return err },
		"delete":     func() error { _, err := s.Delete(w.ctx, memory.DeleteRequest{}); return err },
		"restore":    func() error { _, err := s.Restore(w.ctx, memory.RestoreRequest{}); return err },
		"link":       func() error { _, err := s.Link(w.ctx, memory.LinkRequest{}); return err },
		"duplicates": func() error { _, err := s.Duplicates(w.ctx, memory.DuplicatesRequest{}); return err },
		"undo":       func() error { _, err := s.Undo(w.ctx, memory.UndoRequest{}); return err },
		"revert":     func() error { _, err := s.Revert(w.ctx, memory.RevertRequest{}); return err },
		"import seek": func() error {
			_, err := s.Import(w.ctx, strings.NewReader(source), memory.ImportRequest{})
			return err
		},
		"import": func() error {
			_, err := s.Import(w.ctx, io.MultiReader(strings.NewReader(source)), memory.ImportRequest{})
			return err
		},
	} {
		f.fail, f.ids, f.opened, f.groups = []error{errMaybe, errBroken}, nil, 0, nil
		if err := give(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(f.ids) != 3 || f.ids[0] != f.ids[1] || f.ids[0] != f.ids[2] || len(f.ids[0]) != 36 {
			t.Errorf("%s: request ids %q", name, f.ids)
			continue
		}
		if other, ok := seen[f.ids[0]]; ok {
			t.Errorf("%s has the request id of %s", name, other)
		}
		seen[f.ids[0]] = name
		for _, g := range f.groups {
			if g == "" || g != f.groups[0] {
				t.Errorf("%s: groups %q", name, f.groups)
			}
		}
	}
}

// TestOwnRequestID leaves a request id alone that the caller gave.
func TestOwnRequestID(t *testing.T) {
	w, s, f := fakeFront(t, errBroken)
	r := memory.StoreRequest{Origin: memory.Origin{RequestID: "mine"}}
	if _, err := s.Store(w.ctx, r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mine", "mine"}, f.ids); diff != "" {
		t.Error(diff)
	}
}

// TestBusyIsTriedAgain waits for a queue that is full, until the deadline.
func TestBusyIsTriedAgain(t *testing.T) {
	w, s, f := fakeFront(t, errBusy, errBusy, errBusy, errBusy)
	if _, err := s.Store(w.ctx, memory.StoreRequest{}); err != nil {
		t.Errorf("after %d attempts: %v", len(f.ids), err)
	}
	f.fail = make([]error, 100_000)
	for i := range f.fail {
		f.fail[i] = errBusy
	}
	if _, err := s.Store(w.ctx, memory.StoreRequest{}); memory.CodeOf(err) != memory.CodeBusy {
		t.Errorf("a queue that stays full: %v", err)
	}
}

// TestNeverAnswered gives a call up that brings down every owner.
func TestNeverAnswered(t *testing.T) {
	broken := make([]error, 1000)
	for i := range broken {
		broken[i] = errMaybe
	}
	w, s, f := fakeFront(t, broken...)
	_, err := s.Store(w.ctx, memory.StoreRequest{})
	if memory.CodeOf(err) != memory.CodeBusy || !errors.Is(err, rpc.ErrMaybeDone) {
		t.Errorf("want busy, and that it may be done; got %v", err)
	}
	if len(f.ids) < 3 || len(f.ids) > 100 {
		t.Errorf("sent %d times", len(f.ids))
	}
}

// TestOtherErrors are answers, and not tried again.
func TestOtherErrors(t *testing.T) {
	want := memory.Errorf(memory.CodeConflict, "no")
	w, s, f := fakeFront(t, want)
	if _, err := s.Store(w.ctx, memory.StoreRequest{}); err != error(want) || len(f.ids) != 1 {
		t.Errorf("got %v after %d attempts", err, len(f.ids))
	}
}

// TestExportBreaks begins an export again only where nothing was written.
func TestExportBreaks(t *testing.T) {
	w, s, f := fakeFront(t, errBroken)
	var out bytes.Buffer
	if _, err := s.Export(w.ctx, &out, memory.ExportRequest{}); err != nil || out.String() != "part" {
		t.Errorf("wrote %q (%v)", &out, err)
	}
	f.fail = []error{nil, errMaybe}
	out.Reset()
	_, err := s.Export(w.ctx, &out, memory.ExportRequest{})
	if memory.CodeOf(err) != memory.CodeFailed || out.String() != "part" {
		t.Errorf("wrote %q (%v)", &out, err)
	}
}

// TestReplayBreaks does not make a store twice in one place.
func TestReplayBreaks(t *testing.T) {
	w, s, f := fakeFront(t)
	for _, c := range []struct {
		into string
		err  error
		want memory.Code
	}{
		{"", errMaybe, ""}, {"/x", errBroken, ""}, {"/x", errMaybe, memory.CodeFailed},
	} {
		f.fail = []error{c.err}
		_, err := s.Replay(w.ctx, memory.ReplayRequest{Into: c.into})
		if memory.CodeOf(err) != c.want {
			t.Errorf("into %q after %v: %v", c.into, c.err, err)
		}
	}
}

// TestControl says odd things to an owner's control socket: it answers, or not, and stays.
func TestControl(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion, "handover=1ns")
	path := strings.TrimSuffix(w.socket(), ".sock") + ".ctl"
	for in, want := range map[string]string{
		"{\"verb\":\"fly\"}\n":     "not known",
		"{}\n":                     "not known",
		"hello\n":                  "cannot be read",
		strings.Repeat(" ", 1<<16): "cannot be read",
		"{\"verb\":\"handover\",\"version\":\"1.0.0\"}\n": "not newer",
		"{\"verb\":\"handover\",\"version\":\"0.9.0\"}\n": "not newer",
		"{\"verb\":\"handover\"}\n":                       "not newer",
	} {
		got := w.say(path, in)
		if !strings.Contains(got, want) {
			t.Errorf("%.40q: %q, want %q", in, got, want)
		}
	}
	half, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if _, err := io.WriteString(half, "{\"verb\""); err != nil {
		t.Fatal(err)
	}
	if st := w.status(); st.PID != c.cmd.Process.Pid {
		t.Errorf("the owner left: %+v", st)
	}
	w.stop() // with the half request still open
	c.end()
}

// say sends text to a socket and returns what comes back.
func (w *world) say(path, text string) string {
	w.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		w.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text) // the other end may hang up on what is too long
	b, _ := io.ReadAll(c)
	return string(b)
}
