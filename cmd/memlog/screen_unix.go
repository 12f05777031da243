//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminal returns the columns of the terminal f is, and whether it is one.
func terminal(f *os.File) (width int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
