package fetch

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// StateFile is the name of the file that says how far the others have come.
const StateFile = "fetch.json"

const (
	stateVersion = 1
	maxState     = 64 << 10 // bytes
)

// state is how far the files of a directory have come.
type state struct {
	Version int              `json:"version"`
	URL     string           `json:"url"`
	Files   map[string]*part `json:"files"`
}

// part is how far a file has come.
type part struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified
	Strong   bool   `json:"strong"`             // the validator is of every byte
	Size     int64  `json:"size"`               // as announced; -1: it was not
	Have     int64  `json:"have"`               // synced
	Whole    bool   `json:"whole"`
}

// Source returns the address that a directory was fetched from, whole or not; "" where it was not.
func Source(dir *os.Root) (string, error) {
	s, err := load(dir)
	return s.URL, err
}

func load(dir *os.Root) (state, error) {
	var s state
	f, err := dir.Open(StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return s, fmt.Errorf("read %s: %w", StateFile, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return state{}, fmt.Errorf("%s is not what memlog writes: %w", StateFile, err)
	}
	for name, p := range s.Files {
		if p == nil || p.Have < 0 {
			return state{}, fmt.Errorf("%s is not what memlog writes: file %.100q", StateFile, name)
		}
	}
	if s.Version != stateVersion {
		return state{}, fmt.Errorf("%s has version %d, not %d", StateFile, s.Version, stateVersion)
	}
	return s, nil
}

// save replaces the state in one step.
func (s *state) save(dir *os.Root) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	temp := StateFile + "." + rand.Text() + ".tmp"
	w, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	if err == nil {
		err = w.Sync() // the bytes, before the name points at them
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = dir.Rename(temp, StateFile)
	}
	if err != nil {
		_ = dir.Remove(temp) // the error is of the writing
		return fmt.Errorf("write %s: %w", StateFile, err)
	}
	return nil
}

// newPart is a file of which nothing has come but its header.
func newPart(h http.Header, size int64) part {
	p := part{ETag: h.Get("ETag"), Modified: h.Get("Last-Modified"), Size: size}
	p.Strong = p.ETag != "" && !strings.HasPrefix(p.ETag, "W/")
	if p.ETag == "" {
		// RFC 9110, 8.8.2.2: a second could hold another change.
		changed, err1 := http.ParseTime(p.Modified)
		sent, err2 := http.ParseTime(h.Get("Date"))
		p.Strong = err1 == nil && err2 == nil && sent.Sub(changed) >= time.Second
	}
	return p
}

// ask has the server send what is missing.
func (p *part) ask(h http.Header) {
	validator := p.ETag
	if validator == "" {
		validator = p.Modified
	}
	switch {
	case p.Whole && p.ETag != "":
		h.Set("If-None-Match", p.ETag)
	case p.Whole && p.Modified != "":
		h.Set("If-Modified-Since", p.Modified)
	case !p.Whole && p.Have > 0 && p.Strong:
		h.Set("Range", fmt.Sprintf("bytes=%d-", p.Have))
		h.Set("If-Range", validator)
	}
}
