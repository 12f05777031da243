package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// spawnAgain is how long no further process is started after one that did not come to serve: it
// waits for the same lock.
const spawnAgain = 5 * time.Second

// maxKilled is how many processes of one look may be killed before they serve. A window had better
// not own the store itself: it ends with its client.
const maxKilled = 10

// search is one look for an owner.
type search struct {
	f     *front
	path  string // of the socket; empty: there cannot be one
	turn  wait
	after time.Time // no process is started before this

	killed int // processes that were started, and killed before they served
}

// find connects to the owner of the store, starts one, or becomes it, whichever works first.
func (f *front) find(ctx context.Context) (*conn, error) {
	path, err := rpc.SocketPath(f.o.Store)
	if err != nil && !f.alone {
		return nil, lost(f.o.Store, err)
	}
	s := &search{f: f, path: path, turn: newWait(f.o.Deadline)}
	if err != nil {
		s.path = ""
	}
	for {
		c, err := s.dial(ctx)
		if c == nil && err == nil {
			c, err = s.become(ctx)
		}
		if c != nil || err != nil && memory.CodeOf(err) != memory.CodeBusy {
			return c, err
		}
		if s.turn.more(ctx) {
			continue
		}
		if err == nil && ctx.Err() == nil { // waited for another to start it, in vain
			return s.own(ctx)
		}
		if err == nil {
			err = ended(ctx)
		}
		return nil, err
	}
}

// places returns where the owner may listen: at this process's place for it, and where it says that
// it does, since it may see another runtime directory.
func (o Options) places() []string {
	var out []string
	if path, err := rpc.SocketPath(o.Store); err == nil {
		out = append(out, path)
	}
	b, err := os.ReadFile(filepath.Join(o.Store, addrName))
	path := strings.TrimSpace(string(b))
	if err == nil && filepath.IsAbs(path) && !slices.Contains(out, path) {
		out = append(out, path)
	}
	return out
}

// heldBy reports whether an owner holds this store and no other: the lock that it says it has is
// the file of the same name here. So a store of two names has one owner, and a copy has its own.
func (o Options) heldBy(h rpc.Hello) bool {
	here, err := os.Stat(filepath.Join(o.Store, lockName))
	if err != nil {
		return h.Store == o.Store // taken away: the owner notices that by itself
	}
	there, err := os.Stat(filepath.Join(h.Store, lockName))
	return err == nil && os.SameFile(here, there)
}

// dial connects to the owner, and has it hand over where it is older. Both results nil: there is
// none, or none any more.
func (s *search) dial(ctx context.Context) (*conn, error) {
	o := s.f.o
	s.f.mu.Lock()
	o.Client = s.f.who
	s.f.mu.Unlock()
	wait, cancel := context.WithTimeout(ctx, max(time.Until(s.turn.until), minAnswer))
	defer cancel()
	client, path, err := reach(wait, o)
	switch {
	case client != nil:
		return s.f.greet(wait, path, client)
	case err == nil || ctx.Err() != nil:
		return nil, err
	case wait.Err() != nil && memory.CodeOf(err) != memory.CodeBusy:
		return nil, memory.Errorf(memory.CodeBusy, "owner at %s does not answer: %w", path, err).
			WithHint("it may be stopped; memlog status names its process")
	}
	return nil, err
}

// greet looks who the owner is.
func (f *front) greet(ctx context.Context, path string, client *rpc.Client) (*conn, error) {
	h := client.Owner()
	if newer(f.o.Version, h.Build) {
		err := ask(ctx, path, controlRequest{Verb: verbHandover, Version: f.o.Version})
		if err == nil || errors.Is(err, rpc.ErrUnreachable) {
			_ = client.Close()
			return nil, nil // it has let the store go
		}
		f.o.Logger.Info("older owner stays", "pid", h.PID, "version", h.Build, "err", err)
	}
	if h.Protocol != rpc.Protocol {
		_ = client.Close()
		return nil, memory.Errorf(memory.CodeFailed, "owner of store %s (process %d, version %s) speaks "+
			"protocol %d, this program %d", f.o.Store, h.PID, h.Build, h.Protocol, rpc.Protocol).
			WithHint("run the same version everywhere, or memlog stop and try again")
	}
	return connected(client), nil
}

// become starts an owner, or becomes one. Both results nil: another is at it, or it is done.
func (s *search) become(ctx context.Context) (*conn, error) {
	if s.f.o.Spawn == nil {
		return s.own(ctx)
	}
	// Of many processes that find no owner, one starts it; the kernel frees the lock with the process.
	lock := flock.New(strings.TrimSuffix(s.path, ".sock")+".spawn", flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil {
		return nil, lost(s.f.o.Store, err)
	}
	if !got {
		if time.Since(s.turn.start) < SpawnWait {
			return nil, nil
		}
		return s.own(ctx) // who has it may be stopped
	}
	defer lock.Close()
	if c, err := s.dial(ctx); c != nil || err != nil {
		return c, err
	}
	now := time.Now()
	if now.Before(s.after) {
		return nil, nil
	}
	started, err := s.f.spawn(ctx)
	if !started {
		return nil, ended(ctx)
	}
	if errors.Is(err, errKilled) && s.killed < maxKilled {
		s.killed++
		return nil, nil
	}
	if err != nil {
		s.f.o.Logger.Warn("no owner can be started; this process owns the store", "err", err)
		s.after = time.Now().Add(spawnAgain)
		return s.own(ctx)
	}
	if time.Since(now) < SpawnWait {
		return s.dial(ctx)
	}
	s.after = time.Now().Add(spawnAgain)
	return s.own(ctx)
}

// spawn starts an owner. Where ctx ends first it is still being started: started is false.
func (f *front) spawn(ctx context.Context) (started bool, err error) {
	if f.ended.Err() != nil {
		return false, nil
	}
	done := make(chan error, 1)
	go f.spawnFor(done)
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
		return false, nil
	}
}

// spawnFor starts an owner for a call that may not wait for it to the end. Nor does Close: a window
// that closes ends at once, and the owner comes to serve without it.
func (f *front) spawnFor(done chan<- error) { done <- f.o.Spawn() }

// own makes this process the owner.
func (s *search) own(ctx context.Context) (*conn, error) {
	w, err := openOwner(ctx, s.f.o, s.f.alone)
	if err != nil {
		return nil, err
	}
	go w.run(false)
	return owned(w), nil
}
