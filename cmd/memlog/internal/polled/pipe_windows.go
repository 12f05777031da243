package polled

import (
	"io"
	"os"
)

// Pipe returns f: the runtime does not poll pipes that others made here.
func Pipe(f *os.File, _ ...*os.File) io.ReadWriteCloser { return f }
