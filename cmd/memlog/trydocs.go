package main

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
)

// The limits of what a trial reads and stores.
const (
	maxTryEntries = 20_000  // files and directories looked at
	maxTryFile    = 1 << 20 // bytes of a document
	maxPieces     = 400
	maxPiece      = 2000 // bytes of a piece; longer paragraphs are cut into several
	minPiece      = 60   // bytes below which a paragraph goes with the next
	minPieces     = 5    // fewer are no documents to try anything on
)

// piece is a paragraph or a few of a document.
type piece struct{ File, Heading, Content string }

// collect returns the pieces of the documents below root: Markdown files, and the package comments
// of doc.go files.
func collect(ctx context.Context, root string) ([]piece, error) {
	var out []piece
	seen := map[string]bool{}
	looked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if looked++; ctx.Err() != nil || looked > maxTryEntries || len(out) >= maxPieces {
			return fs.SkipAll
		}
		switch {
		case err != nil && path == root:
			return err
		case err != nil: // what cannot be read is no document of ours
			return nil
		case d.IsDir() && path != root && skipDir(d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		name, rerr := filepath.Rel(root, path)
		if rerr != nil {
			return rerr
		}
		for _, p := range split(filepath.ToSlash(name), document(path)) {
			if !seen[p.Content] && len(out) < maxPieces {
				seen[p.Content] = true
				out = append(out, p)
			}
		}
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil, memory.Errorf(memory.CodeNotFound, "no directory %s", root)
	} else if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return out, ctx.Err()
}

func skipDir(name string) bool {
	switch name {
	case "node_modules", "vendor", "testdata":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// document returns the text of a file that is a document, "" for others.
func document(path string) string {
	isDoc := filepath.Base(path) == "doc.go"
	if !isDoc && !strings.EqualFold(filepath.Ext(path), ".md") {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxTryFile {
		return ""
	}
	if isDoc {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil,
			parser.PackageClauseOnly|parser.ParseComments)
		if err != nil || f.Doc == nil {
			return ""
		}
		return f.Doc.Text()
	}
	b, err := os.ReadFile(path)
	if err != nil || !utf8.Valid(b) {
		return ""
	}
	return string(b)
}

// split cuts a document at its headings and paragraphs. Short paragraphs go with the next one.
func split(file, text string) []piece {
	var out []piece
	heading, pending := "", ""
	flush := func() {
		body := strings.TrimSpace(pending)
		pending = ""
		if body == "" {
			return
		}
		for _, part := range chunks(body) {
			if heading != "" {
				part = heading + ": " + part
			}
			out = append(out, piece{file, heading, part})
		}
	}
	fenced := false
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		title := strings.TrimLeft(line, "#")
		switch {
		case fenced:
			pending += line + "\n"
		case title != line && strings.HasPrefix(title, " "):
			flush()
			heading = oneLine(title)
		case strings.TrimSpace(line) == "" && len(pending) >= minPiece:
			flush()
		default:
			pending += line + "\n"
		}
	}
	flush()
	return out
}

// chunks cuts a text that is too long for one piece, at line ends where there are any.
func chunks(s string) []string {
	var out []string
	for len(s) > maxPiece {
		at := strings.LastIndexByte(s[:maxPiece], '\n')
		if at < minPiece {
			for at = maxPiece; !utf8.RuneStart(s[at]); at-- {
			}
		}
		out = append(out, strings.TrimSpace(s[:at]))
		s = strings.TrimSpace(s[at:])
	}
	return append(out, s)
}

// ownHelp returns the documentation within the binary as pieces.
func ownHelp() []piece {
	var out []piece
	seen := map[string]bool{}
	table := commands()
	for _, c := range table {
		text := fmt.Sprintf("# memlog %s\n\n%s.\n%s\n", c.name, c.summary, c.about)
		for _, p := range split("memlog help "+c.name, text) {
			if !seen[p.Content] {
				seen[p.Content] = true
				out = append(out, p)
			}
		}
	}
	return out
}
