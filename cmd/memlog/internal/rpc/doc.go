// Package rpc carries [memory.Service] from one process to another on the same machine: HTTP/1.1
// over a Unix socket, with bodies of JSON. [Server] puts a service on a socket, [Client] is that
// service at the other end; [SocketPath] says where the socket of a store is, [Listen] makes it.
// It knows the contract alone. Finding, starting and replacing the owner is package daemon's.
//
// # The wire
//
// POST /v1/<method> carries out a method: search, list, get, history, tags, stats, health, store,
// update, delete, restore, link, duplicates, undo, revert, replay, moments, verify, repair,
// rebuild, archive, archive-list, archive-verify, archive-restore, snapshot-create, snapshot-list,
// snapshot-prune, snapshot-restore, metrics, metrics-clear, models, model-add, model-use, log,
// export, import. The body is the method's request by its JSON names; {"name": …} where it takes an
// id or a name alone, {} where it takes nothing.
//
// An answer is frames: JSON objects, a line each. The last one has "end": true, and an answer
// without it broke off, whatever its length. A frame has one or more of:
//
//	{"result": …, "error": …, "end": true}      the end; it may have both
//	{"progress": {"stage", "done", "total"}}    of long work, where Memlog-Progress: 1 asks for it
//	{"record": …, "error": …}                   log: a record; an error here does not end it
//	{"chunk": n} and n raw bytes after the line export: the next piece
//
// An error is {"code", "argument", "message", "hint", "text"}; text is the whole where something
// was said around the error. The HTTP status repeats the code for people who look with curl; a
// client goes by the frames, but for 421: the call was not carried out, since this is not (or not
// for long) the server that the client greeted.
//
// The body of an import is frames too: {"request": …}, chunks, and {"end": true}, with an "error"
// where the source failed. It is read while the answer is written.
//
// GET /v1/hello answers with [Hello], in every version of the protocol. GET /v1/presence sends one
// empty frame and then nothing for as long as both live: it is how an owner lists its clients, and
// how a client notices at once that its owner has gone. Headers: Memlog-Instance is that of the
// hello; Memlog-Client-Name, -Version, -Session, -Project and -Pid say who a presence is, escaped
// as in a URL's query.
//
// testdata/wire.txt shows each of these byte by byte.
//
// # Values
//
// encoding/json would lose things that the contract can hold, and the store must see what the
// caller gave, if only to refuse it: so the codec is this package's own. Fields of the zero value
// are left out, and only those: an empty list is [], no list is no field, a pointer to no list is
// null. A string that is no UTF-8 is {"$bytes": base64}. JSON inside (metadata) is a string of its
// text, word for word; among values of any type {"$raw": text}. Times are RFC 3339 with
// nanoseconds and offset, or "unix:<seconds>.<nanoseconds>" where that cannot say them. Durations
// are nanoseconds. An embedded struct is a field by its type's name. Numbers among values of any
// type stay numerals.
//
// A request with a field that the server does not know is refused: it may be a filter. An answer
// with one is read without it.
//
// # Invariants
//
//   - Nothing is lost between the two ends: every field of every request, result and error.
//   - A call is carried out at most once by one server, and whole: a request that did not come
//     whole is not begun, and nothing here sends one twice by itself once it may have arrived.
//   - Whoever broke off is never taken for whoever ended: not an export, an import, or a log.
//   - A client belongs to one run of one server. It never carries a call to the next one by
//     itself, since that is a decision: [ErrUnreachable] says that it is time to take it,
//     [ErrMaybeDone] that the call may have been carried out, and needs the same request id.
//
// # Limits
//
// Requests are bounded in bytes ([MaxRequest]; imports are not) and in time, calls and streams in
// number; what exceeds a limit is an error of the contract at once, CodeInvalid or CodeBusy. A
// request takes a place among the calls only when it has come whole, so half a request costs its
// connection and nobody else's turn. A batch that is legal and yet over MaxRequest (control
// characters grow sixfold in JSON) is refused by its size: import it, or send it in parts.
//
// # Who may call
//
// The kernel tells both ends who the other is, on Linux and macOS; only the same user and root are
// let in, and a client hangs up on a stranger's socket. The socket has mode 0600 and lies in a
// directory of the user's own with mode 0700, which is all the protection on other platforms.
//
// # Concurrency
//
// Everything is safe for concurrent use. A server runs a goroutine per connection, all net/http's;
// [Server.Shutdown] answers the calls under way, ends followed logs and presences, and closes
// every connection. A client has one goroutine, which reads its presence and which [Client.Close]
// joins, and one for each import, which sends what is read; any other call is written and read by
// who calls. Progress callbacks run in the caller's goroutine, each stage's first and last and at
// most twenty a second between.
//
// # Failure
//
// A panic of the service is logged and answered as CodeFailed; the server goes on. A caller's
// context that ends ends the service's. At a deadline a call returns CodeBusy with the owner's
// pid, which the kernel told when the connection was made: so it is known of a stopped owner too,
// that answers nothing.
package rpc
