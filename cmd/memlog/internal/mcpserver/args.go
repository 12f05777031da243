package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
)

// maxShown bounds, in bytes, what an error or a heading shows of an argument.
const maxShown = 80

// maxExact is the largest whole number that every JSON implementation keeps exactly.
const maxExact = 1<<53 - 1

// args are the arguments of one call under their canonical names: string, int64, bool, []string,
// json.RawMessage or []args by the parameter's kind. What was not given is not in it.
type args map[string]any

func (a args) has(name string) bool { _, ok := a[name]; return ok }

func (a args) text(name string) string { s, _ := a[name].(string); return s }

func (a args) list(name string) []string { l, _ := a[name].([]string); return l }

func (a args) int(name string) int64 { n, _ := a[name].(int64); return n }

func (a args) bool(name string) bool { b, _ := a[name].(bool); return b }

func (a args) json(name string) json.RawMessage { r, _ := a[name].(json.RawMessage); return r }

// decode reads the arguments of a call. Whatever it cannot understand is an error that names the
// argument and says what is allowed. A null argument counts as not given: clients fill in null
// for what a model left out.
func decode(raw json.RawMessage, params []param) (args, error) {
	if err := checkText(raw); err != nil {
		return nil, err
	}
	if t := bytes.TrimSpace(raw); len(t) == 0 || string(t) == "null" {
		raw = json.RawMessage("{}")
	}
	return decodeObject(raw, params, "")
}

// decodeObject reads an object; path names it in errors, and is empty for the arguments.
func decodeObject(raw json.RawMessage, params []param, path string) (args, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, memory.Invalid(orArguments(path), "want an object, not %s", shape(raw))
	}
	got := args{}
	given := map[string]string{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, memory.Invalid(orArguments(path), "not valid JSON: %v", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, memory.Invalid(orArguments(path), "not valid JSON: %v", err)
		}
		if err := got.add(params, given, path, t.(string), value); err != nil {
			return nil, err
		}
	}
	for _, p := range params {
		if p.required && !got.has(p.name) {
			return nil, memory.Invalid(join(path, p.name), "is missing: %s", p.doc)
		}
	}
	return got, nil
}

// add takes one argument as it was named; given remembers the names that were used.
func (a args) add(
	params []param, given map[string]string, path, name string, value json.RawMessage,
) error {
	p, ok := canonical(params, name)
	if !ok {
		return memory.Invalid(join(path, clip(name, maxShown)),
			"unknown argument; allowed are: %s", names(params))
	}
	if string(value) == "null" {
		return nil
	}
	if before, twice := given[p.name]; twice {
		return memory.Invalid(join(path, p.name), "given twice, as %q and as %q", before, name)
	}
	given[p.name] = name
	v, err := p.parse(value, join(path, p.name))
	if err != nil {
		return err
	}
	if text, ok := v.(string); ok && p.name == "until" && strings.HasPrefix(snake(name), "before") {
		v = before(text)
	}
	a[p.name] = v
	return nil
}

// before is a time that is meant as an end not included: what is before a day ends with the day
// before it, while what is until a day ends with that day.
type before string

func orArguments(path string) string {
	if path == "" {
		return "arguments"
	}
	return path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// parse reads a value; path names it in errors.
func (p param) parse(raw json.RawMessage, path string) (any, error) {
	switch p.kind {
	case kindText, kindTime:
		return p.parseText(raw, path)
	case kindMoment:
		if n, ok := number(raw); ok && raw[0] != '"' && n >= p.min {
			return n, nil
		}
		v, err := p.parseText(raw, path)
		if s, ok := v.(string); ok {
			if n, named, err := p.parseSeq(path, s); named {
				return n, err
			}
		}
		return v, err
	case kindInt:
		n, ok := number(raw)
		if !ok || n < p.min || n > p.max {
			return nil, memory.Invalid(path, "want a whole number from %d to %d, not %s",
				p.min, p.max, shape(raw))
		}
		return n, nil
	case kindBool:
		b := strings.ToLower(strings.Trim(string(raw), `"`))
		if b != "true" && b != "false" {
			return nil, memory.Invalid(path, "want true or false, not %s", shape(raw))
		}
		return b == "true", nil
	case kindList, kindIDs:
		return p.parseList(raw, path)
	case kindEntries:
		return parseEntries(raw, path)
	default:
		return raw, nil
	}
}

func (p param) parseText(raw json.RawMessage, path string) (any, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		if p.kind == kindMoment {
			return nil, memory.Invalid(path, "want a time or a sequence number, not %s", shape(raw))
		}
		return nil, memory.Invalid(path, "want a string, not %s", shape(raw))
	}
	if len(p.enum) > 0 {
		if s = strings.ToLower(strings.TrimSpace(s)); !slices.Contains(p.enum, s) {
			return nil, memory.Invalid(path, "want one of %s, not %s",
				strings.Join(p.enum, ", "), shape(raw))
		}
	}
	return s, nil
}

// parseSeq reads a sequence number as the command line writes it, seq:118 or #118, and one without
// a mark, unless that can be a year; named is false where s is none.
func (p param) parseSeq(path, s string) (n int64, named bool, err error) {
	s = strings.TrimSpace(s)
	digits, marked := strings.CutPrefix(strings.ToLower(s), "seq:")
	if !marked {
		digits, marked = strings.CutPrefix(s, "#")
	}
	n, perr := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	switch {
	case perr == nil && n >= p.min && (marked || len(digits) != len("2025")):
		return n, true, nil
	case marked:
		return 0, true, memory.Invalid(path, "not a sequence number: %q", clip(s, maxShown)).
			WithHint("write seq:118, #118 or the number alone.")
	}
	return 0, false, nil
}

// parseList also takes one string in place of a list: models write tags as "a, b", and sometimes
// a whole list in quotes.
func (p param) parseList(raw json.RawMessage, path string) (any, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if !strings.HasPrefix(strings.TrimSpace(one), "[") {
			return p.split(one), nil
		}
		raw = json.RawMessage(one)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, memory.Invalid(path, "want a list of strings, not %s", shape(raw))
	}
	list := make([]string, len(parts))
	for i, part := range parts {
		if part[0] != '"' || json.Unmarshal(part, &list[i]) != nil {
			return nil, memory.Invalid(fmt.Sprintf("%s[%d]", path, i),
				"want a string, not %s", shape(part))
		}
	}
	return list, nil
}

func (p param) split(s string) []string {
	if p.kind == kindIDs {
		return []string{strings.TrimSpace(s)}
	}
	list := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// parseEntries reads memories to store: a list, also in quotes, or a single one.
func parseEntries(raw json.RawMessage, path string) (any, error) {
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil && strings.HasPrefix(strings.TrimSpace(quoted), "[") {
		raw = json.RawMessage(quoted)
	}
	parts := []json.RawMessage{raw}
	if raw = bytes.TrimSpace(raw); raw[0] == '[' {
		if err := json.Unmarshal(raw, &parts); err != nil {
			return nil, memory.Invalid(path, "want a list of memories, not %s", shape(raw))
		}
	}
	all := make([]args, len(parts))
	for i, part := range parts {
		at := fmt.Sprintf("%s[%d]", path, i)
		var content string
		if part[0] == '"' && json.Unmarshal(part, &content) == nil {
			all[i] = args{"content": content}
			continue
		}
		entry, err := decodeObject(part, entryParams, at)
		if err != nil {
			return nil, err
		}
		all[i] = entry
	}
	return all, nil
}

// number reads a whole number: 10, 10.0 or "10".
func number(raw json.RawMessage) (int64, bool) {
	s := strings.TrimSpace(strings.Trim(string(raw), `"`))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > maxExact {
		return 0, false
	}
	return int64(f), true
}

// shape describes a JSON value in an error.
func shape(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "the string " + clip(string(raw), maxShown)
	}
	return clip(string(raw), maxShown)
}

// clip shortens s to at most n bytes, at the boundary of a character, and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// checkText refuses what a JSON decoder would replace in silence: bytes that are no UTF-8, and
// halves of surrogate pairs. What is stored must be what was given.
func checkText(raw json.RawMessage) error {
	if !utf8.Valid(raw) {
		return memory.Invalid("arguments", "not valid UTF-8").
			WithHint("Send text as UTF-8; nothing was changed.")
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		unit, ok := escaped(raw[i:])
		if !ok {
			i++ // another escape: its second byte is not the start of one
			continue
		}
		i += 5
		if unit < 0xd800 || unit > 0xdfff {
			continue
		}
		low, ok := escaped(raw[min(i+1, len(raw)):])
		if unit > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
			return memory.Invalid("arguments", `\u%04x is half a character`, unit).
				WithHint("Write both halves of the surrogate pair, or the character itself.")
		}
		i += 6
	}
	return nil
}

// escaped reads a \uXXXX at the start of b.
func escaped(b []byte) (uint64, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return unit, err == nil
}
