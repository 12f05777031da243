package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// maxBatchLine is the longest line of a batch, in bytes: content and metadata at their limits,
// every byte of them escaped.
const maxBatchLine = 6*(memory.MaxContent+memory.MaxMetadata) + 1<<20

type batchResult struct {
	Seq     memory.Seq      `json:"seq"`
	Stored  []memory.Stored `json:"stored"`
	Repeats bool            `json:"repeats,omitempty"`
}

// runBatch stores all memories of a file as one command.
func runBatch(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		return memory.Invalid("--batch", "takes its texts from the file: unexpected argument %q",
			c.args[0])
	}
	for _, name := range []string{"tag", "type", "project", "metadata", "created-at"} {
		if c.isSet(name) {
			return memory.Invalid("--"+name, "does not go with --batch; write it into the lines")
		}
	}
	list, err := c.readBatch(c.str("batch"))
	if err != nil {
		return err
	}
	svc, err := c.writer(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Store(ctx, memory.StoreRequest{Memories: list, Origin: c.origin()})
	if err != nil {
		return err
	}
	return c.emit(batchResult{res.Seq, res.Stored, res.Repeats}, func(p *page) {
		added := 0
		for _, s := range res.Stored {
			if s.Created {
				added++
			}
		}
		p.line("%s stored, %d there already (seq %d)", plural(added, "memory"),
			len(res.Stored)-added, res.Seq)
	})
}

// readBatch reads the memories of a file, all or none.
func (c *call) readBatch(name string) ([]memory.NewMemory, error) {
	src, err := c.source(name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	var list []memory.NewMemory
	lines := bufio.NewScanner(src)
	lines.Buffer(nil, maxBatchLine)
	n, size := 0, 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 {
			continue
		}
		m, err := c.batchLine(line)
		if err != nil {
			return nil, batchError(name, n, err)
		}
		list = append(list, m)
		if size += len(m.Content) + len(m.Metadata); size > memory.MaxBatchBytes {
			return nil, batchError(name, n, fmt.Errorf("more than %d bytes in one batch",
				memory.MaxBatchBytes))
		}
		if len(list) > memory.MaxBatch {
			return nil, batchError(name, n, fmt.Errorf("more than %d memories in one batch",
				memory.MaxBatch))
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, batchError(name, n+1, fmt.Errorf("longer than %d bytes", maxBatchLine))
	} else if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(list) == 0 {
		return nil, memory.Invalid("--batch", "%s holds no memories", name)
	}
	return list, nil
}

func batchError(name string, line int, err error) error {
	return memory.Invalid("--batch", "%s line %d: %w", name, line, err).
		WithHint("nothing was stored; mend the line and give the batch again")
}

// batchEntry is a line of a batch. Times are as people write them.
type batchEntry struct {
	ID        memory.ID       `json:"id"`
	Content   *string         `json:"content"`
	Tags      []string        `json:"tags"`
	Type      string          `json:"type"`
	Project   string          `json:"project"`
	Metadata  json.RawMessage `json:"metadata"`
	CreatedAt string          `json:"created_at"`
	UpdatedAt string          `json:"updated_at"`
	Aliases   []string        `json:"aliases"`
}

func (c *call) batchLine(line []byte) (memory.NewMemory, error) {
	if !utf8.Valid(line) { // encoding/json would replace what is not, without a word
		return memory.NewMemory{}, errors.New("no UTF-8 text")
	}
	var e batchEntry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return memory.NewMemory{}, jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return memory.NewMemory{}, errors.New("more than one JSON value")
	}
	if e.Content == nil || *e.Content == "" {
		return memory.NewMemory{}, errors.New("content is missing")
	}
	m := memory.NewMemory{
		ID: e.ID, Content: *e.Content, Tags: e.Tags, Type: e.Type, Project: e.Project,
		Metadata: e.Metadata, Aliases: e.Aliases,
	}
	if bytes.Equal(m.Metadata, []byte("null")) {
		m.Metadata = nil
	}
	var err error
	if m.CreatedAt, err = c.batchTime("created_at", e.CreatedAt); err != nil {
		return m, err
	}
	m.UpdatedAt, err = c.batchTime("updated_at", e.UpdatedAt)
	return m, err
}

func (c *call) batchTime(name, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := when.At(s, c.now(), when.Start)
	if err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// jsonError says what is wrong with a line of JSON without the name of a Go type.
func jsonError(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s: unexpected %s", kind.Field, kind.Value)
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = "the line ends within a value"
	}
	return errors.New(text)
}

// source opens a file to read; - is standard input.
func (c *call) source(name string) (io.ReadCloser, error) {
	if name == "-" {
		if c.screen.stdin {
			c.tell("reading standard input; end it with Ctrl-D")
		}
		return io.NopCloser(c.stdin), nil
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, memory.Errorf(memory.CodeNotFound, "no file %s", name)
	} else if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	return f, nil
}
