package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// document is a Markdown file of Claude Code: each bullet and each paragraph is a memory, under the
// headings above it.
type document struct {
	textFile
	path    string
	owner   string // what tells it from others of its name, whatever is known of the project
	project string
	changed time.Time
}

var (
	headingLine = expression(`^(#{1,6})\s+(.*?)\s*#*\s*$`)
	bulletLine  = expression(`^(\s*)(?:[-*+]|\d{1,9}[.)])\s+\S`)
	fenceLine   = expression("^\\s*(```|~~~)")
	bulletMark  = expression(`^\s*(?:[-*+]|\d{1,9}[.)])\s+`) // what a bullet begins with
)

// expression is compiled when it is first used: a process that reads no document starts sooner.
func expression(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

// block is a bullet or a paragraph in the making.
type block struct {
	at     int
	lines  []string
	bullet bool
	indent int
}

// outline reads a document line by line.
type outline struct {
	headings [6]string
	now      block
	fence    string // the mark that ends the code block it is in
	use      func(b block, headings []string) bool
}

func (d document) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	text, _, err := d.open(ctx)
	if err != nil {
		return err
	}
	o := &outline{use: func(b block, headings []string) bool {
		return yield(d.memory(b, headings))
	}}
	lines := &lineReader{src: text}
	front := false
	for {
		line, _, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", lines.n, err)
		}
		if isMark := string(bytes.TrimSpace(line)) == "---"; isMark && lines.n == 1 || front {
			front = !isMark || lines.n == 1 // what stands between --- at the top describes the file
			continue
		}
		fixed, bad := fixUTF8(line)
		if bad > 0 {
			r.count(lines.n, "bytes that are no UTF-8 were read as Windows-1252")
		}
		if !o.line(string(fixed), lines.n) {
			return errStop
		}
	}
	if !o.flush() {
		return errStop
	}
	return nil
}

// line takes one line in.
func (o *outline) line(s string, at int) bool {
	if mark := fenceLine().FindStringSubmatch(s); o.fence != "" || mark != nil {
		switch {
		case o.fence == "":
			o.fence = mark[1]
		case mark != nil && mark[1] == o.fence:
			o.fence = ""
		}
		o.add(s, at)
		return true
	}
	if strings.TrimSpace(s) == "" {
		if o.now.bullet { // an indented line may go on with it
			o.now.lines = append(o.now.lines, "")
			return true
		}
		return o.flush()
	}
	if h := headingLine().FindStringSubmatch(s); h != nil {
		ok := o.flush()
		level := len(h[1]) - 1
		o.headings[level] = h[2]
		clear(o.headings[level+1:])
		return ok
	}
	indent := len(s) - len(strings.TrimLeft(s, " \t"))
	if m := bulletLine().FindStringSubmatch(s); m != nil {
		if o.now.bullet && indent > o.now.indent {
			o.add(s, at) // a bullet below it belongs to it
			return true
		}
		ok := o.flush()
		o.now = block{at: at, bullet: true, indent: indent, lines: []string{s}}
		return ok
	}
	ok := true
	n := len(o.now.lines)
	if o.now.bullet && indent <= o.now.indent && n > 0 && o.now.lines[n-1] == "" {
		ok = o.flush()
	}
	o.add(s, at)
	return ok
}

func (o *outline) add(s string, at int) {
	if len(o.now.lines) == 0 {
		o.now.at = at
	}
	o.now.lines = append(o.now.lines, s)
}

// flush hands the block out.
func (o *outline) flush() bool {
	b := o.now
	o.now = block{}
	if strings.TrimSpace(strings.Join(b.lines, "")) == "" {
		return true
	}
	var path []string
	for _, h := range o.headings {
		if h != "" {
			path = append(path, h)
		}
	}
	return o.use(b, path)
}

func (d document) memory(b block, headings []string) Entry {
	text := strings.TrimRight(strings.Join(b.lines, "\n"), " \t\n")
	if b.bullet {
		text = bulletMark().ReplaceAllString(text, "")
	}
	if text = strings.TrimLeft(text, "\n"); text == "" {
		return Entry{At: b.at, Rejected: "an empty bullet"}
	}
	name := filepath.Base(d.path)
	heading := strings.Join(headings, " › ")
	about := map[string]string{"file": name}
	if heading != "" {
		about["heading"] = heading
	}
	metadata, err := json.Marshal(about)
	if err != nil { // texts always can be
		metadata = nil
	}
	l := transfer.Line{
		ID:      event.DerivedID(documentNames, d.owner, name, heading, text),
		Content: text, Project: d.project, Metadata: metadata, AboutAt: d.changed,
	}
	if len(headings) > 0 {
		if tag := plainLine(headings[len(headings)-1]); tag != "" && len(tag) <= memory.MaxTag {
			l.Tags = []string{tag}
		}
	}
	return Entry{At: b.at, Memory: l}
}
