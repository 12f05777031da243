package main

import (
	"errors"

	"memlog/cmd/memlog/internal/memory"
)

// The exit codes. They are a contract with scripts.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitDamaged  = 3
	exitNotFound = 4
	exitConflict = 5
	exitBusy     = 6
)

// exitMeaning is what the help says about each exit code.
var exitMeaning = [...]string{
	exitDone:     "done",
	exitFailed:   "failed",
	exitUsage:    "wrong usage",
	exitDamaged:  "damage found",
	exitNotFound: "not found",
	exitConflict: "conflict: something changed since",
	exitBusy:     "busy: another process holds the store; try again",
}

// reported is an error whose document is on stdout already: it only sets the exit code and the
// words on stderr.
type reported struct{ err error }

func (r reported) Error() string { return r.err.Error() }
func (r reported) Unwrap() error { return r.err }

// unprinted is an error of writing to stdout, on which nothing more is tried.
type unprinted struct{ err error }

func (u unprinted) Error() string { return u.err.Error() }
func (u unprinted) Unwrap() error { return u.err }

// exitCode returns the exit code for err.
func exitCode(err error) int {
	switch memory.CodeOf(err) {
	case "":
		return exitDone
	case memory.CodeInvalid:
		return exitUsage
	case memory.CodeDamaged:
		return exitDamaged
	case memory.CodeNotFound:
		return exitNotFound
	case memory.CodeConflict:
		return exitConflict
	case memory.CodeBusy:
		return exitBusy
	}
	return exitFailed
}

// errorDocument is how an error looks in JSON.
type errorDocument struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code     memory.Code `json:"code"`
	Argument string      `json:"argument,omitempty"`
	Message  string      `json:"message"`
	Hint     string      `json:"hint,omitempty"`
}

// describe returns what is said about err, in JSON and on stderr.
func describe(err error) errorBody {
	body := errorBody{Code: memory.CodeOf(err), Message: err.Error()}
	var e *memory.Error
	if !errors.As(err, &e) {
		return body
	}
	body.Argument, body.Hint = e.Arg, e.Hint
	if body.Message == e.Error() {
		body.Message = e.Msg
	}
	return body
}

// usage makes an error of wrong usage.
func usage(format string, args ...any) *memory.Error {
	return memory.Errorf(memory.CodeInvalid, format, args...)
}
