package memory

import (
	"errors"
	"fmt"
)

// Code says what kind of error happened, and so what a caller can do about it.
type Code string

// The codes. The command line turns each into its exit code.
const (
	CodeFailed   Code = "failed"    // the machine failed, or memlog has a defect
	CodeInvalid  Code = "invalid"   // the request cannot be understood or exceeds a limit
	CodeDamaged  Code = "damaged"   // the store is damaged; see verify
	CodeNotFound Code = "not_found" // no such memory, record, snapshot or store
	CodeConflict Code = "conflict"  // something changed since; nothing was overwritten
	CodeBusy     Code = "busy"      // try again
)

// Error is an error with a code, the argument it is about, and what to do next.
type Error struct {
	Code Code   `json:"code"`
	Arg  string `json:"argument,omitempty"` // the argument that was wrong, as the request names it
	Msg  string `json:"message"`
	Hint string `json:"hint,omitempty"`
	err  error
}

// Error returns the argument and the message; the hint stands apart.
func (e *Error) Error() string {
	if e.Arg != "" {
		return e.Arg + ": " + e.Msg
	}
	return e.Msg
}

// Unwrap returns the cause, where there is one.
func (e *Error) Unwrap() error { return e.err }

// Errorf makes an error of a code; a %w in the format becomes its cause.
func Errorf(c Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: c, Msg: err.Error(), err: errors.Unwrap(err)}
}

// Invalid makes a [CodeInvalid] error about an argument.
func Invalid(arg, format string, args ...any) *Error {
	e := Errorf(CodeInvalid, format, args...)
	e.Arg = arg
	return e
}

// WithHint adds what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// CodeOf returns the code of err: CodeFailed for an error that has none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeFailed
}
