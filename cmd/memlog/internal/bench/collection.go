package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

const (
	memoriesSuffix  = ".memories.jsonl"
	questionsSuffix = ".questions.jsonl"
	maxLine         = 16 << 20 // bytes of one line of either file
)

// Question is one line of a questions file.
type Question struct {
	Question string   `json:"question"`
	Category string   `json:"category"`
	Evidence []string `json:"evidence"` // names of memories
}

// collection is a pair of files.
type collection struct {
	name      string
	memories  string // path
	questions []Question
	names     map[string]bool // of its memories
}

// said identifies a memory of a file: what it says and under which metadata.
type said struct{ content, metadata string }

// readCollections reads every pair of files in dir, in order of their names.
func readCollections(dir string) ([]collection, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+memoriesSuffix))
	if err != nil {
		return nil, fmt.Errorf("look for collections in %s: %w", dir, err)
	}
	if len(paths) == 0 {
		if _, err := os.Stat(dir); err != nil {
			return nil, memory.Invalid("DIR", "%v", err).WithHint("name a folder of collections")
		}
		return nil, memory.Invalid("DIR", "%s holds no file *%s", dir, memoriesSuffix).
			WithHint("a collection is NAME%s and NAME%s", memoriesSuffix, questionsSuffix)
	}
	slices.Sort(paths)
	var all []collection
	for _, p := range paths {
		c := collection{name: strings.TrimSuffix(filepath.Base(p), memoriesSuffix), memories: p}
		qs := strings.TrimSuffix(p, memoriesSuffix) + questionsSuffix
		if c.questions, err = readQuestions(qs); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func readQuestions(path string) ([]Question, error) {
	var qs []Question
	err := eachLine(path, func(n int, line []byte) error {
		var q Question
		if err := json.Unmarshal(line, &q); err != nil {
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
		if strings.TrimSpace(q.Question) == "" || len(q.Evidence) == 0 {
			return fmt.Errorf("%s line %d: a question needs question and evidence", path, n)
		}
		qs = append(qs, q)
		return nil
	})
	if err == nil && len(qs) == 0 {
		err = fmt.Errorf("%s holds no question", path)
	}
	return qs, err
}

// identify reads which memories a collection has, into owner: by what they say, the collection.
func (c *collection) identify(owner map[said]string) error {
	c.names = map[string]bool{}
	return eachLine(c.memories, func(n int, line []byte) error {
		var m struct {
			Content  string          `json:"content"`
			Metadata json.RawMessage `json:"metadata"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return nil // the import says what is wrong with it
		}
		c.names[nameOf(m.Metadata)] = true
		owner[said{m.Content, compact(m.Metadata)}] = c.name
		return nil
	})
}

// nameOf returns the name that questions call a memory by, "" where it has none.
func nameOf(metadata []byte) string {
	var m struct {
		Turn string `json:"dia_id"`
		Doc  any    `json:"doc"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return ""
	}
	if m.Turn == "" && m.Doc != nil {
		return fmt.Sprint(m.Doc)
	}
	return m.Turn
}

func compact(b []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return string(b)
	}
	return out.String()
}

// eachLine calls fn with each line that is not blank, counted from 1.
func eachLine(path string, fn func(n int, line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read collection: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(r)
		if len(bytes.TrimSpace(line)) > 0 {
			if err := fn(n, line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s line %d: %w", path, n, err)
		}
	}
}

var errLongLine = fmt.Errorf("longer than %d bytes", maxLine)

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
