package foreign

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// Options say how to open an input. The zero value tells the format by the content.
type Options struct {
	From        Format // what it is; "": look
	Transcripts bool   // also take the transcripts of a directory of Claude Code
	// Stdin is what the path "-" stands for; nil: nothing is read from there.
	Stdin io.Reader
}

// Files returns the inputs that a path stands for: itself, or what a directory holds that can be
// brought in. A directory that holds nothing of the kind is an error.
func Files(path string, o Options) ([]string, error) {
	info, err := os.Stat(path)
	if path == "-" || err == nil && !info.IsDir() {
		return []string{path}, nil
	}
	if err != nil {
		return nil, notThere(path, err)
	}
	if isStore(path) {
		return nil, ownStore(path)
	}
	var out []string
	for _, name := range []string{"chroma.sqlite3", "sqlite_vec.db", "memory.jsonl", "memory.json"} {
		if one := filepath.Join(path, name); isFile(one) {
			out = append(out, one)
		}
	}
	notes, err := notesOf(path)
	if err != nil {
		return nil, err
	}
	out = append(out, notes...)
	if o.Transcripts {
		sessions, err := filepath.Glob(filepath.Join(escapeGlob(path), "*.jsonl"))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		for _, s := range sessions {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		return nil, memory.Invalid("", "%s is a directory, and holds nothing to import", path).
			WithHint("memlog import --discover looks where the tools keep their memories")
	}
	return out, nil
}

// notThere says why a path cannot be looked at.
func notThere(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return memory.Errorf(memory.CodeNotFound, "no file %s", path)
	}
	return fmt.Errorf("read input: %w", err)
}

// notesOf are the notes of Claude Code in a directory, or in the memory directory within it.
func notesOf(dir string) ([]string, error) {
	var out []string
	for _, d := range []string{dir, filepath.Join(dir, "memory")} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(d), "*.md"))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d, err)
		}
		has := func(name string) bool { return slices.Contains(found, filepath.Join(d, name)) }
		switch {
		case has("MEMORY.md") || filepath.Base(d) == "memory":
			out = append(out, found...)
		case has("CLAUDE.md"):
			out = append(out, filepath.Join(d, "CLAUDE.md"))
		}
	}
	return out, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(s)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isStore reports whether a directory is a store of memlog.
func isStore(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "log"))
	return err == nil && info.IsDir() && isFile(filepath.Join(dir, "FORMAT"))
}

func ownStore(dir string) error {
	return memory.Invalid("", "%s is a store of memlog", dir).
		WithHint("bring its memories in with: memlog export --store %s | memlog import -", dir)
}

// Open opens one input: a file, or standard input where the path is "-". The caller closes it.
func Open(ctx context.Context, path string, o Options) (*Input, error) {
	if path == "-" {
		return openStdin(ctx, o)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, notThere(path, err)
	case info.IsDir():
		return nil, memory.Invalid("", "%s is a directory", path)
	}
	for dir, n := filepath.Dir(path), 0; n < 3; dir, n = filepath.Dir(dir), n+1 {
		if isStore(dir) {
			return nil, ownStore(dir)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe is read once
		in, err := openStream(ctx, path, file, o)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		in.pipe = file
		return in, nil
	}
	in, err := openFile(ctx, path, textFile{file: file}, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return in, nil
}

func openStdin(ctx context.Context, o Options) (*Input, error) {
	if o.Stdin == nil {
		return nil, memory.Invalid("", "there is no standard input")
	}
	return openStream(ctx, "-", o.Stdin, o)
}

// openStream opens what can be read only once. Lines of memlog go through as they come; anything
// else is kept in a file first.
func openStream(ctx context.Context, path string, src io.Reader, o Options) (*Input, error) {
	in := bufio.NewReaderSize(src, lookAhead)
	head, _ := in.Peek(len(sqliteMagic)) // an error comes back with the reading
	format := o.From
	isSQLite := string(head) == sqliteMagic
	if format == Chroma || isSQLite && (format == "" || format == ServiceDB) {
		dir, err := keepDatabase(ctx, in)
		if err != nil {
			return nil, err
		}
		return openSQLite(ctx, path, dir, format)
	}
	if format == "" {
		text, _ := decodeText(in)
		in = text
		format = look(text)
	}
	if format == Memlog {
		return rawInput(path, in, nopCloser{}), nil
	}
	file, err := spool(in)
	if err != nil {
		return nil, err
	}
	t := textFile{file: file, drop: true}
	opened, err := openFile(ctx, path, t, o)
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return opened, nil
}

// nopCloser is a source that nobody here opened.
type nopCloser struct{}

func (nopCloser) entries(context.Context, *report, func(Entry) bool) error { return nil }
func (nopCloser) close() error                                             { return nil }

// recordStart is how a record of a log begins as export --events writes it.
const recordStart = `{"log_id"`

// rawInput hands lines of memlog on as they stand: their numbers are those of the source.
func rawInput(path string, text *bufio.Reader, src source) *Input {
	head, _ := text.Peek(len(recordStart)) // a shorter text has none
	return &Input{Path: path, src: src, raw: text, records: string(head) == recordStart,
		report: report{Summary: Summary{Format: Memlog}, counts: map[string]*noted{}}}
}

// look tells the format of a text. What was peeked is read again.
func look(text *bufio.Reader) Format {
	head, _ := text.Peek(lookAhead) // a shorter text is whole; an error comes back with the reading
	return classify(head)
}

func openFile(ctx context.Context, path string, t textFile, o Options) (*Input, error) {
	head := make([]byte, len(sqliteMagic))
	n, err := io.ReadFull(t.file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read input: %w", err)
	}
	format := o.From
	isSQLite := n == len(head) && string(head) == sqliteMagic
	if format == ServiceDB && !isSQLite {
		format = JSON // its exports
	}
	if format == ServiceDB || format == Chroma || format == "" && isSQLite {
		dir, err := copyDatabase(ctx, path)
		if err != nil {
			return nil, err
		}
		if err := t.close(); err != nil {
			return nil, errors.Join(fmt.Errorf("read input: %w", err), dir.Close())
		}
		return openSQLite(ctx, path, dir, format)
	}
	text, was, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	if format == "" {
		format = look(text)
	}
	in, err := t.input(ctx, path, format, text)
	if err == nil && was != "" {
		in.report.Notes = append(in.report.Notes, "it is "+was+", and was read as such")
	}
	if err == nil && n == 0 {
		in.report.Notes = append(in.report.Notes, "it is empty")
	}
	return in, err
}

// input reads a text in a format.
func (t textFile) input(ctx context.Context, path string, f Format, text *bufio.Reader) (*Input,
	error) {
	info, err := t.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	switch f {
	case Memlog:
		return rawInput(path, text, rawFile{textFile: t}), nil
	case JSON:
		return newInput(ctx, path, f, jsonDocument{t, text}), nil
	case Graph:
		return newInput(ctx, path, f, graphFile{t, info.ModTime()}), nil
	case Document:
		owner, project := projectOf(path)
		return newInput(ctx, path, f, document{t, path, owner, project, info.ModTime()}), nil
	case Transcript:
		return newInput(ctx, path, f, transcript{t}), nil
	default:
		return nil, memory.Invalid("", "%s is in no format that memlog knows", path).
			WithHint("--from says what it is: %s", formatNames())
	}
}

// rawFile is a file of memlog's own lines.
type rawFile struct{ textFile }

func (rawFile) entries(context.Context, *report, func(Entry) bool) error { return nil }

// openSQLite opens the copy of a database in dir by what it holds. One that is damaged so much that
// it does not say is taken as what f says, or as that of mcp-memory-service.
func openSQLite(ctx context.Context, path string, dir *PrivateDir, f Format) (*Input, error) {
	d, err := openDatabase(ctx, dir)
	if err != nil {
		return nil, err
	}
	isChroma, isService := d.hasTables("collections", "embeddings"), d.hasTables("memories")
	torn := d.torn != ""
	switch {
	case f == "" && isChroma, f == Chroma && (isChroma || torn):
		return newInput(ctx, path, Chroma, chromaDB{d}), nil
	case f == "" && (isService || torn && len(d.tables) == 0), f == ServiceDB && (isService || torn):
		return newInput(ctx, path, ServiceDB, serviceDB{d}), nil
	case f != "":
		err := memory.Invalid("--from", "%s is a SQLite database, but none of %s", path, f).
			WithHint("leave --from out: the content tells what a database is")
		return nil, errors.Join(err, d.close())
	default:
		err := memory.Invalid("", "%s is a SQLite database, but none of mcp-memory-service or ChromaDB",
			path)
		return nil, errors.Join(err, d.close())
	}
}
