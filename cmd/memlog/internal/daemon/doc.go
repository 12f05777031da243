// Package daemon finds the one process that owns a store, starts it, has an older one hand over,
// and lets an unused one leave. Programs see a [memory.Service] and none of this:
//
//   - [Front] is for processes that live long (memlog mcp, hooks): it opens nothing before the
//     first call or [Warm], starts an owner where there is none, and sends calls again when an
//     owner dies.
//   - [OneShot] is for one command: it uses the owner there is, else is the owner for its duration.
//   - [Own] is memlog serve, the owner itself.
//   - [Status] and [Stop] look at an owner and end it.
//
// All take the same [Options]. How the commands use them:
//
//	o := daemon.Options{
//		Store: dir, // absolute
//		Open: func(ctx context.Context) (memory.Service, error) {
//			return store.Open(ctx, dir, store.Options{LockWait: -1, Holder: "memlog serve"})
//		},
//		Client:  rpc.ClientOptions{Name: "claude-code", Version: v, Session: session},
//		Version: version(), Logger: log,
//	}
//
//	// memlog mcp
//	o.Spawn = daemon.Detached(self, "serve", "--store", dir) // self: os.Executable
//	svc := daemon.Front(o)
//	defer svc.Close()
//
//	// memlog add, memlog search, …
//	svc, err := daemon.OneShot(ctx, o) // Deadline: --timeout
//
//	// memlog serve
//	logs := daemon.LogFile(dir)
//	o.Logger = slog.New(slog.NewTextHandler(logs, nil))
//	err := daemon.Own(ctx, o) // nil: there was an owner, or it left in order
//
// # Files
//
// In the runtime directory (see [rpc.SocketPath]), named by the store:
//
//	<hash>.sock   the owner's socket: package rpc
//	<hash>.ctl    its control socket: one line of JSON asks it to leave (control.go)
//	<hash>.spawn  locked by the process that is starting an owner; empty, stays
//
// In the store: serve.log and serve.log.1, the owner's log, of at most [MaxLog] bytes each, and
// owner.addr, the path of the owner's socket, for processes that see another runtime directory (a
// cron job has no XDG_RUNTIME_DIR).
//
// # Invariants
//
// These hold at any time, whoever is killed:
//
//  1. Who serves a store holds its kernel lock; the lock is Open's, is never stolen, and ends with
//     the process. Sockets and files decide nothing: each may be missing, stale or another's.
//  2. Sockets are made after the lock is taken and removed before it is let go, and only where the
//     file is still the owner's own. So a living owner's is never taken away.
//  3. A change is acknowledged only while the store is in its place, as seen before and after it.
//  4. Every change carries a request id, the same in every attempt: sent twice it is done once.
//  5. No process is killed, nor sought by a number in a file.
//
// # Concurrency
//
// A service of this package takes calls from any number of goroutines; one of them looks for an
// owner while the others wait for it. Of many processes one starts an owner, under the spawn lock.
// The goroutines of an owner end before its done does; Close waits for it. Those that start a
// detached process and wait for its end are not waited for.
//
// # Failure
//
// A connection that breaks, an owner that leaves and one that is busy are tried again until the
// deadline, in pauses of 0.5 to 50 ms; each call at least three times. Then the error has CodeBusy.
// An owner that has been stopped (SIGSTOP) holds its lock: calls end with CodeBusy and its process
// at the deadline. A long call is not bounded as long as its owner greets who asks. A store that
// cannot be opened is the caller's to hear of: the starting process fails, this process tries, and
// returns the error that it gets.
//
// What cannot be sent twice is not: an export of which something is written, a replay into a
// directory. An import goes on from the state of the store. A log goes on behind its last record.
//
// A newer version asks an older owner to leave when it connects; an owner younger than
// [DefaultHandoverEvery] and one that is not older refuse, and serve on.
//
// The owner looks at itself every second at most: it leaves where the store was moved or deleted
// and where nobody has used it for the idle time, and listens again where a cleaner of temporary
// files took its socket. A store deleted between a change and the look after it is found gone
// before the acknowledgement.
package daemon
