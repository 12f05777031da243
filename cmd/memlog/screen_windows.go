package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminal returns the columns of the console f is, and whether it is one that understands the
// escape sequences of colour and of a line drawn again.
func terminal(f *os.File) (width int, ok bool) {
	h := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(h, &mode) != nil {
		return 0, false
	}
	const escapes = windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	if f != os.Stdin && windows.SetConsoleMode(h, mode|escapes) != nil {
		return 0, false
	}
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(h, &info) != nil {
		return 0, true
	}
	return int(info.Window.Right-info.Window.Left) + 1, true
}
