package memorytest

import (
	"errors"

	"memlog/cmd/memlog/internal/memory"
)

// asError finds the error of the contract in err.
func asError(err error) *memory.Error {
	var e *memory.Error
	if !errors.As(err, &e) {
		return nil
	}
	return e
}

// is reports whether err has a code.
func is(err error, c memory.Code) bool { return memory.CodeOf(err) == c }
