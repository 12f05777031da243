package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal"
	"memlog/wal/event"
)

// cleanContent checks a memory's content; it is kept word for word.
func cleanContent(c string) error {
	switch {
	case strings.TrimSpace(c) == "":
		return memory.Invalid("content", "it is empty").WithHint("a memory needs some text")
	case len(c) > memory.MaxContent:
		return memory.Invalid("content", "it has %d bytes, at most %d", len(c), memory.MaxContent).
			WithHint("split it into several memories; each is found better too")
	case !utf8.ValidString(c):
		return memory.Invalid("content", "it is not valid UTF-8 (byte %d)", invalidAt(c)).
			WithHint("convert the text to UTF-8 first")
	case strings.IndexByte(c, 0) >= 0:
		return memory.Invalid("content", "it holds a NUL byte (byte %d)", strings.IndexByte(c, 0)).
			WithHint("this looks like binary data; store text about it instead")
	}
	return nil
}

// invalidAt finds the first byte that is not UTF-8.
func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}

// cleanLabel checks a tag, type, project or alias: one line of text without space around it.
func cleanLabel(arg, s string, limit int) (string, error) {
	t := strings.TrimSpace(s)
	switch {
	case len(t) > limit:
		return "", memory.Invalid(arg, "it has %d bytes, at most %d: %.40q…", len(t), limit, t).
			WithHint("shorten it; long text belongs into the content")
	case !utf8.ValidString(t):
		return "", memory.Invalid(arg, "%.40q is not valid UTF-8", t).
			WithHint("convert it to UTF-8 first")
	case strings.ContainsFunc(t, unicode.IsControl):
		return "", memory.Invalid(arg, "%.40q holds a control character", t).
			WithHint("give one line of plain text")
	}
	return t, nil
}

// cleanTags checks tags and returns them sorted, without doubles.
func cleanTags(tags []string) ([]string, error) {
	return cleanLabels("tags", "tag", tags, memory.MaxTags, memory.MaxTag)
}

func cleanLabels(arg, one string, in []string, most, limit int) ([]string, error) {
	if len(in) > most {
		return nil, memory.Invalid(arg, "%d are too many, at most %d", len(in), most).
			WithHint("keep those that tell this memory from others")
	}
	var out []string
	for _, s := range in {
		t, err := cleanLabel(arg, s, limit)
		if err != nil {
			return nil, err
		}
		if t == "" {
			return nil, memory.Invalid(arg, "an empty %s", one).WithHint("leave it out")
		}
		out = append(out, t)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// cleanMetadata checks that metadata is one JSON value and returns it word for word, without the
// space around it; null is none.
func cleanMetadata(m []byte) ([]byte, error) {
	m = bytes.TrimSpace(m)
	if len(m) == 0 || string(m) == "null" {
		return nil, nil
	}
	if len(m) > memory.MaxMetadata {
		return nil, memory.Invalid("metadata", "it has %d bytes, at most %d", len(m),
			memory.MaxMetadata).WithHint("store a reference to a file instead")
	}
	if !utf8.Valid(m) {
		return nil, memory.Invalid("metadata", "it is not valid UTF-8").
			WithHint("convert it to UTF-8 first")
	}
	var syntax any
	if err := json.Unmarshal(m, &syntax); err != nil {
		return nil, memory.Invalid("metadata", "it is not JSON: %v", err).
			WithHint(`write it like {"source": "review", "stars": 4}`)
	}
	depth := jsonDepth(m)
	if depth > memory.MaxMetadataDepth {
		return nil, memory.Invalid("metadata", "it is nested %d levels deep, at most %d", depth,
			memory.MaxMetadataDepth).WithHint("flatten it, or keep it as a JSON text")
	}
	return slices.Clone(m), nil
}

// jsonDepth returns how deep a valid JSON value is nested.
func jsonDepth(b []byte) int {
	depth, deepest, text := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{', c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}', c == ']':
			depth--
		}
	}
	return deepest
}

// cleanTime checks a time of a memory and brings it to the log's precision.
func cleanTime(arg string, t time.Time) (time.Time, error) {
	t = t.UTC().Truncate(time.Microsecond)
	if y := t.Year(); y < memory.MinYear || y > memory.MaxYear {
		return t, memory.Invalid(
			arg,
			"year %d is not between %d and %d",
			y,
			memory.MinYear,
			memory.MaxYear,
		).WithHint("write it like 2024-03-01T12:00:00Z")
	}
	return t, nil
}

// clean checks a memory that is to be stored. now fills the times in where none are given.
func clean(n memory.NewMemory, now time.Time) (event.Memory, error) {
	m := event.Memory{ID: n.ID, Version: 1, Content: n.Content}
	if err := cleanContent(n.Content); err != nil {
		return m, err
	}
	var err error
	if m.Tags, err = cleanTags(n.Tags); err != nil {
		return m, err
	}
	if m.Type, err = cleanLabel("type", n.Type, memory.MaxType); err != nil {
		return m, err
	}
	if m.Project, err = cleanLabel("project", n.Project, memory.MaxProject); err != nil {
		return m, err
	}
	if m.Metadata, err = cleanMetadata(n.Metadata); err != nil {
		return m, err
	}
	m.Aliases, err = cleanLabels("aliases", "alias", n.Aliases, memory.MaxAliases, memory.MaxAlias)
	if err != nil {
		return m, err
	}
	m.CreatedAt, m.UpdatedAt = now, now
	if !n.CreatedAt.IsZero() {
		if m.CreatedAt, err = cleanTime("created_at", n.CreatedAt); err != nil {
			return m, err
		}
		m.UpdatedAt = m.CreatedAt
	}
	if !n.UpdatedAt.IsZero() {
		m.UpdatedAt, err = cleanTime("updated_at", n.UpdatedAt)
	}
	return m, err
}

// cleanOrigin checks who gives a command and turns it into what the log keeps.
func cleanOrigin(o memory.Origin) (wal.Provenance, error) {
	p := wal.Provenance{}
	for _, f := range []struct {
		arg, in string
		out     *string
	}{
		{"client", o.Client, &p.Client}, {"client_version", o.ClientVersion, &p.ClientVersion},
		{"session", o.Session, &p.Session}, {"project", o.Project, &p.Project},
		{"user", o.User, &p.User}, {"host", o.Host, &p.Host}, {"reason", o.Reason, &p.Reason},
	} {
		t, err := cleanLabel(f.arg, f.in, memory.MaxProvenance)
		if err != nil {
			return p, err
		}
		*f.out = t
	}
	_, err := cleanLabel("request_id", o.RequestID, memory.MaxRequestID)
	return p, err
}
