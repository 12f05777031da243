package main

import (
	"os"
	"strconv"
)

// The width of text on a terminal whose own is not known, and the widest text that reads well.
const (
	usualWidth  = 80
	widestPage  = 120
	narrowWidth = 30
)

// screen says what the standard streams are attached to.
type screen struct {
	stdin, stdout, stderr bool // is a terminal
	width                 int  // columns
	color                 bool // of stdout
}

// thisScreen looks at the standard streams of the process.
func thisScreen(env func(string) string) screen {
	var s screen
	var in, out, err int
	in, s.stdin = terminal(os.Stdin)
	out, s.stdout = terminal(os.Stdout)
	err, s.stderr = terminal(os.Stderr)
	s.width = usualWidth
	for _, w := range []int{in, err, out} {
		if w > 0 {
			s.width = w
		}
	}
	if n, perr := strconv.Atoi(env("COLUMNS")); perr == nil && n > 0 {
		s.width = n
	}
	s.width = max(s.width, narrowWidth)
	s.color = s.stdout && env("NO_COLOR") == "" && env("TERM") != "dumb"
	return s
}

// pageWidth returns the columns results are wrapped to; 0, no wrapping, where no terminal reads.
func (s screen) pageWidth() int {
	if !s.stdout {
		return 0
	}
	return min(s.width, widestPage)
}
