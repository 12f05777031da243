package foreign

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// looksAt is how many lines of a text are looked at to tell what it is: the first may be damaged.
const looksAt = 20

// classify tells the format of a text by its beginning; "" where it is none that is known.
func classify(head []byte) Format {
	trimmed := bytes.TrimSpace(head)
	if len(trimmed) == 0 {
		return Memlog // nothing is no lines
	}
	switch trimmed[0] {
	case '[':
		return JSON
	case '{':
		if f := classifyObjects(trimmed); f != "" {
			return f
		}
		return Memlog // whose reader names what is wrong
	}
	if isText(head) && isMarkdown(head) {
		return Document
	}
	return classifyObjects(trimmed) // its first line may be damaged
}

// classifyObjects tells what the objects of a text are, by the keys of the first that has telling
// ones; "" where none has.
func classifyObjects(text []byte) Format {
	n := 0
	for line := range bytes.Lines(text) {
		if n++; n > looksAt {
			break
		}
		keys, kind := topKeys(line)
		switch {
		case kind == "entity" && keys["name"], kind == "relation" && keys["from"]:
			return Graph
		case keys["log_id"], keys["content"] && !keys["memories"]:
			return Memlog
		case keys["memories"], keys["export_metadata"], keys["export_date"],
			keys["ids"] && (keys["documents"] || keys["metadatas"]), keys["documents"]:
			return JSON
		case keys["sessionId"], keys["parentUuid"], keys["leafUuid"], keys["uuid"] && keys["message"]:
			return Transcript
		}
	}
	if keys, _ := topKeys(text); keys["memories"] || keys["export_metadata"] || keys["ids"] ||
		keys["export_date"] {
		return JSON // an object over several lines
	}
	return ""
}

// topKeys returns the keys of the outermost object that text begins with, as far as it can be read,
// and the text that stands under type. What a list or an object below it has is not looked at.
func topKeys(text []byte) (keys map[string]bool, kind string) {
	keys = map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return keys, ""
	}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			break
		}
		keys[key] = true
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		if key == "type" {
			kind = jsonText(v)
		}
	}
	return keys, kind
}

// isText reports whether a beginning is text: in one of the encodings of text, and without the
// control characters of anything else.
func isText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
			return false
		}
	}
	bad := 0
	for b := head; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		b = b[n:]
	}
	return bad*10 < len(head)
}

// isMarkdown reports whether a text has a heading or a bullet.
func isMarkdown(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if headingLine().Match(line) || bulletLine().Match(line) {
			return true
		}
	}
	return false
}
