// Package hook is what Claude Code runs at the turns of a session
// (https://code.claude.com/docs/en/hooks): one JSON object comes on standard input, at most one
// goes to standard output.
//
//	session-start  SessionStart      tells the agent the memories that matter for the project
//	user-prompt    UserPromptSubmit  stores a prompt that begins with "remember:"
//	session-end    SessionEnd        hands over what waits in the spool
//
// # Promises
//
//  1. [Run] returns within [Deadline], whatever the store, its owner, the disk and standard input
//     do. What it started goes on until the process ends, which is to follow at once.
//  2. Nothing is stored that was not asked for, in words, in the prompt; nothing of a transcript is
//     read. What looks like a key is refused.
//  3. What the user is told was stored, or is kept to be stored, is on the disk.
//  4. What was asked to be stored, or may have been, and is not, is told: to the user, as a
//     systemMessage, and on standard error. So is an input that is late, cut or unreadable.
//
// A hook never owns the store: it asks its owner, and has one started where there is none, so that
// the next call finds it warm. Where there is no store yet, session-start does nothing at all.
//
// # The spool
//
// A write is kept, before the owner of the store is asked and until one has acknowledged it, in the
// store's directory spool, one file each:
//
//	spool/<nanoseconds since 1970, 20 digits>-<request id>.json
//	  line 1   SHA-256 of line 2, in hexadecimal
//	  line 2   the memory.StoreRequest as JSON, with its request id
//
// A file is made under another name, synced, renamed and its directory synced; then it counts. It
// holds one request, at most [MaxSpooled] wait, and a further one is refused. The next owner that
// starts and every hook that reaches an owner hand them over, oldest first, and remove each after
// it is acknowledged. Several may do that at the same time, and one may die in the middle: the
// request id makes it one memory. A file whose sum is wrong, and a request that the store refuses
// for good, is renamed to .rejected and stays. A file .tmp is one that a hook did not finish, and
// told nobody of; it is removed when it is old.
package hook
