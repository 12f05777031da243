// Package mcpserver serves a [memory.Service] to coding agents over the Model Context Protocol, on
// the official Go SDK, which no other package imports. [Run] is what `memlog mcp` is; [Dial] opens
// a real session with such a process, for those who want to do what an agent does without one.
//
// # Tools
//
// One file a tool: memory_store, memory_search, memory_list, memory_get, memory_update,
// memory_delete, memory_link, memory_history, memory_undo, memory_changes, memory_health; and, for
// those who watch a store, get_concurrent_access_stats, get_performance_metrics, get_system_health
// and cleanup_metrics. None both reads and writes. What an agent is told of them, and what it gets,
// is a contract and stands in testdata/tools.json, testdata/answers.txt and testdata/counters.txt.
//
// # Names of mcp-memory-service
//
// Who comes from there has prompts and habits that say store_memory or recall_memory. Those names,
// of all its versions, are answered and never listed: a middleware finds them before the SDK says
// that there is no such tool (old.go). They take its arguments beside ours, and answer as the tool
// that does the work. A call of a tool that both have is taken for one of theirs by its arguments.
// Its ids, hashes of content, are found as aliases or by looking for the content. What has no
// counterpart here is an error that names the tool to use.
//
// # Arguments
//
// The input schemas document canonical names. Arguments are decoded here and not by the SDK, since
// two things must hold together: names and forms that agents get wrong are understood (q for
// query, "a, b" for a list of tags, "3" for 3), and what is not understood is an error that names
// the argument and says what is allowed, never ignored. A null argument counts as not given,
// because clients fill in null for what a model left out. Text that a JSON decoder would alter in
// silence, invalid UTF-8 and halves of surrogate pairs, is refused. Limits on what is stored are
// the service's own.
//
// # Answers
//
// Every answer has two forms, structured content as the output schema says and a text for the
// agent; clients show a model the one or the other, so each keeps within max_tokens by itself.
// Entries are first shown whole; where they do not fit, all are shortened alike, and only then is
// the rest left out. Whatever was cut is said, with the call that shows it. The moments that time
// expressions came to mean are part of the answer. Content is indented in the text, so that a
// memory cannot pass for another one or for words of ours.
//
// A client that sends a progress token hears every second that its call is under way.
//
// # Resources and prompts
//
// memlog://memory/{id}, memlog://recent, memlog://tags and memlog://changes/{seq} hold, as JSON,
// what the tools of the same subject answer, each within a budget of its own. A client that
// subscribes to one is told when it changed, whichever process changed it: as long as anybody is
// subscribed, the log is followed, over the end of one owner and the beginning of the next; so long
// the owner does not leave for want of use.
// Changes are gathered for tellAfter, so that a thousand of them are a few notifications. What was
// done for a connection ends with it. The prompts are recall (what bears on a task) and review
// (what was stored today). Tags, types, projects, ids and sequence numbers are completed. What they
// list, and their names, is in testdata/lists.json.
//
// # Failure
//
// An error is a result with isError: what was wrong, then what to do next. A write whose outcome
// is not known names its request id, under which it can be repeated without being done twice. So
// it is with a call that the client cancels: it ends, is not answered, and a write is either done
// or not. An undo that left something alone is an error that carries its result. A panic in a tool
// is logged and becomes such a result. A line of input that is no message is answered and skipped.
// When the input ends, calls already read are answered within drainWait, then the server ends; when
// the context ends, they are cancelled.
//
// # HTTP
//
// [Server.HTTP] is the same server over streamable HTTP, for package httpserver to guard. Requests
// of 2026-07-28 stand by themselves; those of earlier revisions have sessions, which are bounded:
// one too many ends the one unused longest. The headers Memlog-Session and Memlog-Project say for
// the log what the environment says where a client starts the server.
//
// # Concurrency
//
// A [Server] serves any number of connections, and the calls of one connection at the same time,
// in no particular order: an agent that wants to see its write waits for the answer first. The
// handshake and the list of tools do not touch the service, so that a service which opens its
// store at the first call costs nothing at the start; nor do the lists of resources and prompts.
package mcpserver
