// Command memlog is a memory for coding agents that never loses what it was told.
//
// This package is the command line: one file per command, each of which turns flags into one call
// of a memory.Service and prints the answer. It decides nothing about memories itself.
//
// # The way of a command line
//
//	os.Args -> arrange (args.go)      flags before and after arguments; unknown ones refused
//	        -> urfave/cli (tree.go)   typed flag values
//	        -> call (call.go)         settings, the store, the printers
//	        -> run of the command     one call of the service
//	        -> emit (emit.go)         people's text or one JSON document
//
// urfave/cli/v2 stops at the first argument and drops the flags after it without a word. So
// arrange takes every line apart first, with the same tables of flags, and hands urfave one that it
// cannot misread: global flags, command, flags as --name=value, --, arguments.
//
// # What scripts may rely on
//
// The names of commands, flags and JSON fields, and the exit codes of exit.go. Results stand on
// stdout, everything else on stderr. With --json stdout holds exactly one JSON document, an error
// too; log prints one object a line, and export without -o prints the export itself.
//
// # Safety of terminals
//
// Contents come from anywhere. Text printed for people has its control characters escaped, those
// that turn the direction of text around among them; JSON escapes the C1 controls as well.
//
// # Concurrency and failure
//
// A command runs in one goroutine beside those of the store. An interrupt cancels the context of
// the call; a change is either acknowledged or did not happen, and the exit code says which.
package main
