package mcpserver

import "bytes"

// maxDepth is how deep a message may nest; the SDK refuses what is deeper.
const maxDepth = 1000

// members passes each member of an object to each, which says whether to go on, and reports whether
// it was passed all of them. text is valid JSON; what is no object, nests deeper than maxDepth or
// has a name with an escape in it is not read to the end.
func members(text []byte, each func(name string, value []byte) bool) bool {
	at := space(text, 0)
	if at == len(text) || text[at] != '{' {
		return false
	}
	if at = space(text, at+1); text[at] == '}' {
		return true
	}
	for {
		end := pastString(text, at)
		name := text[at+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			return false
		}
		at = space(text, space(text, end)+1) // behind the colon
		if end = pastValue(text, at); end < 0 {
			return false
		}
		if !each(string(name), text[at:end]) {
			return false
		}
		if at = space(text, end); text[at] == '}' {
			return true
		}
		at = space(text, at+1) // behind the comma
	}
}

// space returns where the white space at a place ends.
func space(text []byte, at int) int {
	for at < len(text) {
		switch text[at] {
		case ' ', '\t', '\r', '\n':
			at++
		default:
			return at
		}
	}
	return at
}

// pastString returns where the string that begins at a place ends.
func pastString(text []byte, at int) int {
	for at++; ; at++ {
		at += bytes.IndexByte(text[at:], '"')
		slashes := at
		for text[slashes-1] == '\\' {
			slashes--
		}
		if (at-slashes)%2 == 0 {
			return at + 1
		}
	}
}

// pastValue returns where the value that begins at a place ends; -1: it nests too deep.
func pastValue(text []byte, at int) int {
	depth := 0
	for at < len(text) {
		switch text[at] {
		case '"':
			at = pastString(text, at) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return -1
			}
		case '}', ']':
			if depth == 0 { // of what the value stands in
				return at
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
		if at++; depth == 0 && ends(text[at-1]) {
			return at
		}
	}
	return at
}

// ends reports whether a value that is no number or word ends with c.
func ends(c byte) bool { return c == '"' || c == '}' || c == ']' }

// plain returns the text of a string without escapes.
func plain(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}
