package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// The files of the store that this package knows. wal makes the lock; the address is ours: the path
// of the owner's socket, for processes whose runtime directory is another (cron has none).
const (
	lockName = "owner.lock"
	addrName = "owner.addr"
)

// errLeaving is what a call gets that an owner of this process no longer takes.
var errLeaving = fmt.Errorf("owner is leaving: %w", rpc.ErrUnreachable)

// owner is an open store and the sockets it is served on. It ends by leave, once.
type owner struct {
	o     Options
	store memory.Service // as opened
	svc   memory.Service // guarded, for everybody
	srv   *rpc.Server
	since time.Time
	path  string      // of the socket; empty: it is not served
	mark  os.FileInfo // what tells the store from another in its place
	watch string      // the path of mark

	done   chan struct{}   // closed when the store is closed
	err    error           // of closing; set before done
	ending context.Context // ended by leave
	endNow context.CancelFunc
	cut    context.Context // ends the calls of this process that drained too long
	cutNow context.CancelFunc
	joined sync.WaitGroup // the goroutines that run starts

	mu     sync.Mutex
	reason string     // mu guards: why it leaves
	calls  int        // mu guards: under way in this process
	none   *sync.Cond // mu guards: calls is 0
	doors  []*door    // mu guards: the sockets it listens on
	asking []net.Conn // mu guards: control connections that wait for the end
}

// openOwner opens the store, without waiting for its lock, and listens. Where the socket cannot be
// had, alone says whether the store is used all the same, out of reach of others.
func openOwner(ctx context.Context, o Options, alone bool) (*owner, error) {
	st, reading, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	w := &owner{o: o, store: st, since: time.Now(), done: make(chan struct{})}
	w.none = sync.NewCond(&w.mu)
	w.ending, w.endNow = context.WithCancel(context.Background())
	w.cut, w.cutNow = context.WithCancel(context.Background())
	w.watch = filepath.Join(o.Store, lockName)
	if w.mark, err = os.Stat(w.watch); err != nil {
		w.watch = o.Store
		w.mark, err = os.Stat(w.watch)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("own store %s: %w", o.Store, err), st.Close())
	}
	w.svc = &guard{Service: st, w: w}
	w.srv = rpc.NewServer(w.svc, rpc.ServerOptions{Logger: o.Logger, Info: rpc.Info{
		Build: o.Version, Format: o.Format, Store: o.Store, PID: os.Getpid(), Since: w.since}})
	if reading {
		time.AfterFunc(ReadingFor, func() { w.leave("the store was opened for reading") })
		return w, nil
	}
	if err := w.listen(); err != nil {
		w.closeDoors(true)
		if !alone {
			return nil, errors.Join(err, st.Close())
		}
		o.Logger.Warn("store is out of reach of other processes", "store", o.Store, "err", err)
		w.path = ""
	}
	return w, nil
}

// openStore opens the store, for reading where it may not be written and there is a way to.
func openStore(ctx context.Context, o Options) (st memory.Service, reading bool, err error) {
	st, err = o.Open(ctx)
	if err == nil || o.OpenReading == nil ||
		!errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return st, false, err
	}
	st, why := o.OpenReading(ctx)
	if why != nil {
		return nil, false, err
	}
	o.Logger.Warn("store cannot be written; it is read", "store", o.Store, "err", err)
	return st, true, nil
}

// listen opens the sockets and says where they are.
func (w *owner) listen() error {
	path, err := rpc.SocketPath(w.o.Store)
	if err != nil {
		return err
	}
	w.path = path
	for _, d := range []*door{
		{path: controlPath(path), serve: w.serveControl},
		{path: path, serve: w.srv.Serve}, // last: who can dial it can also ask it to leave
	} {
		if err := d.open(); err != nil {
			return err
		}
		w.doors = append(w.doors, d)
	}
	// Without it (the disk may be full) a process with another runtime directory hears that the store
	// is busy: no reason not to serve, nor to sync.
	addr := filepath.Join(w.o.Store, addrName)
	if err := os.WriteFile(addr, []byte(path+"\n"), 0o600); err != nil {
		w.o.Logger.Warn("say where the owner listens", "err", err)
	}
	return nil
}

// run serves until somebody makes it leave, and closes the store. With idles it leaves by itself.
func (w *owner) run(idles bool) {
	for _, d := range w.doors {
		w.serve(d)
	}
	w.joined.Add(1)
	go w.look(idles)
	<-w.ending.Done()
	w.err = w.close()
	w.joined.Wait()
	close(w.done)
}

// serve starts answering at a door.
func (w *owner) serve(d *door) {
	w.joined.Add(1)
	l := d.l
	go func() {
		defer w.joined.Done()
		if err := d.serve(l); err != nil && !w.left() {
			w.o.Logger.Error("serve store", "socket", d.path, "err", err)
			w.leave("its socket failed")
		}
	}()
}

// leave makes the owner leave; the first reason counts.
func (w *owner) leave(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reason != "" {
		return
	}
	w.reason = reason
	w.endNow()
	w.o.Logger.Info("owner leaves", "store", w.o.Store, "reason", reason)
}

// left reports whether the owner has been told to leave.
func (w *owner) left() bool { return w.ending.Err() != nil }

// close takes the sockets away, lets the calls under way end, closes the store and with it lets its
// lock go, and tells who waits for that.
func (w *owner) close() error {
	w.closeDoors(false) // while the lock is held, so that no later owner's is taken away
	drain, cancel := context.WithTimeout(context.Background(), w.o.Drain)
	defer cancel()
	stop := context.AfterFunc(drain, w.cutNow)
	defer stop()
	if err := w.srv.Shutdown(drain); err != nil {
		w.o.Logger.Warn("calls were cut", "store", w.o.Store, "after", w.o.Drain, "err", err)
	}
	w.mu.Lock()
	for w.calls > 0 {
		w.none.Wait()
	}
	w.mu.Unlock()
	w.cutNow()
	err := w.store.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.asking {
		_ = c.Close() // the end of the connection is the message
	}
	if err != nil && w.reason == reasonGone { // its files are not where they are looked for
		w.o.Logger.Warn("close store that has gone", "store", w.o.Store, "err", err)
		return nil
	}
	return err
}

// closeDoors takes the sockets away that are still ours. The server closes its own once it has told
// those who come last; with all, it never had it.
func (w *owner) closeDoors(all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.doors {
		d.remove()
		if all || d.path != w.path {
			_ = d.l.Close()
		}
	}
	name := filepath.Join(w.o.Store, addrName)
	if b, err := os.ReadFile(name); err == nil && len(w.doors) > 0 && w.ours() &&
		strings.TrimSpace(string(b)) == w.path {
		_ = os.Remove(name)
	}
	w.doors = nil
}

// enter counts a call of this process itself; false where the owner leaves. The context that it
// returns ends when the owner has drained too long, that of a stream as soon as it leaves; exit
// ends the call.
func (w *owner) enter(ctx context.Context, stream bool) (
	in context.Context, exit func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reason != "" {
		return nil, nil, false
	}
	w.calls++
	in, cancel := context.WithCancelCause(ctx)
	end := w.cut
	if stream {
		end = w.ending
	}
	stop := context.AfterFunc(end, func() { cancel(errLeaving) })
	return in, func() {
		stop()
		cancel(nil)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.calls--; w.calls == 0 {
			w.none.Broadcast()
		}
	}, true
}

// door is a socket that an owner listens on.
type door struct {
	path  string
	serve func(net.Listener) error
	l     net.Listener
	id    os.FileInfo // of the socket's file
}

// open listens.
func (d *door) open() error {
	l, err := rpc.Listen(d.path)
	if err != nil {
		return err
	}
	id, err := os.Lstat(d.path)
	if err != nil && !blind {
		return errors.Join(fmt.Errorf("listen on %s: %w", d.path, err), l.Close())
	}
	d.l, d.id = l, id
	return nil
}

// blind tells that files of sockets cannot be told apart (golang/go#33357).
const blind = runtime.GOOS == "windows"

// there reports whether the file at the path is this socket.
func (d *door) there() bool {
	now, err := os.Lstat(d.path)
	if blind {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && os.SameFile(now, d.id)
}

// remove takes the socket's file away where it is ours.
func (d *door) remove() {
	if d.there() {
		_ = os.Remove(d.path)
	}
}
