package daemon_test

import (
	"os"
	"path/filepath"
	"testing"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// TestCopiedStore copies a store under its owner. The copy holds the address of that owner, and is a
// store of its own all the same: what is asked of it is asked of it.
func TestCopiedStore(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	w.add(w.front(w.options()), "in both")
	other := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(other, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(other, "owner.addr")); err != nil {
		t.Fatalf("the copy has no address: %v", err)
	}
	w.add(w.front(w.options()), "in the first")
	w.apart(other, c.cmd.Process.Pid)
}

// TestMovedStore moves a store whose owner was killed, and makes another in its place.
func TestMovedStore(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	w.add(w.front(w.options()), "in both")
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	other := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(w.dir, other); err != nil {
		t.Fatal(err)
	}
	c = w.serving(testVersion)
	w.add(w.front(w.options()), "in the first")
	w.apart(other, c.cmd.Process.Pid)
}

// apart holds a store that came from w's against that one, which process pid owns.
func (w *world) apart(other string, pid int) {
	w.Helper()
	o := options(other, "test", testVersion)
	if st, err := daemon.Status(w.ctx, o); err != nil || st.Running {
		w.Errorf("status of the other: %+v, %v", st, err)
	}
	if err := daemon.Stop(w.ctx, o); err != nil {
		w.Errorf("stop of the other: %v", err)
	}
	if st := w.status(); st.PID != pid {
		w.Errorf("owner is process %d now, want %d", st.PID, pid)
	}
	svc, err := daemon.OneShot(w.ctx, o)
	if err != nil {
		w.Fatal(err)
	}
	defer svc.Close()
	w.add(svc, "in the other")
	for _, s := range []struct {
		svc        memory.Service
		has, hasnt string
	}{
		{svc, "in the other", "in the first"},
		{w.front(w.options()), "in the first", "in the other"},
	} {
		list, err := s.svc.List(w.ctx, memory.ListRequest{Limit: 10})
		if err != nil {
			w.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range list.Memories {
			seen[m.Content] = true
		}
		if !seen[s.has] || seen[s.hasnt] {
			w.Errorf("want %q and not %q, got %v", s.has, s.hasnt, seen)
		}
	}
}
