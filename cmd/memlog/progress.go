package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// barColumns is the width of the bar, which is drawn where there is room for it.
const barColumns = 20

// progressEvery is how often the line is drawn again at most.
const progressEvery = 100 * time.Millisecond

// progressLine draws how far long work has come, on one line of a terminal. It is silent elsewhere.
// A nil one is silent too.
type progressLine struct {
	w     io.Writer
	width int
	drawn bool
	last  time.Time
	stage string
}

// newProgress returns the line for w, nil where w is no terminal.
func newProgress(w io.Writer, isTerminal bool, width int) *progressLine {
	if !isTerminal {
		return nil
	}
	return &progressLine{w: w, width: width}
}

// progress returns what the service is to call, nil where nobody would see it.
func (p *progressLine) progress() memory.Progress {
	if p == nil {
		return nil
	}
	return p.draw
}

func (p *progressLine) draw(stage string, done, total int64) {
	now := time.Now()
	finished := total > 0 && done >= total
	if stage == p.stage && !finished && now.Sub(p.last) < progressEvery {
		return
	}
	p.stage, p.last, p.drawn = stage, now, true
	text := fmt.Sprintf("%s  %d", stage, done)
	if total > 0 {
		text = fmt.Sprintf("%s  %3d %%  %d of %d", stage, done*100/total, done, total)
		if len(text)+barColumns+5 <= p.width {
			full := int(done * barColumns / total)
			text = fmt.Sprintf("%s  [%s%s]%s", stage, strings.Repeat("=", full),
				strings.Repeat(" ", barColumns-full), text[len(stage)+1:])
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", cut(safeText(text), p.width-1))
}

// clear takes the line away, so that something else can be printed.
func (p *progressLine) clear() {
	if p == nil || !p.drawn {
		return
	}
	fmt.Fprint(p.w, "\r\x1b[K")
	p.drawn = false
}
