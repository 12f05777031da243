package claude

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"memlog/cmd/memlog/internal/memory"
)

// maxDocument bounds a file that is read, in bytes.
const maxDocument = 64 << 20

// bom is the mark that some editors put before UTF-8. It stays where it is.
var bom = []byte("\xef\xbb\xbf")

// document is a JSON file: an object, or nothing where there is no file.
type document struct {
	path string
	raw  []byte // as it is in the file
	mode fs.FileMode
	has  bool // there is a file
}

// readDocument reads a file that need not be there. One that holds no JSON object is refused.
func readDocument(path string) (*document, error) {
	d := &document{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil && info.Size() > maxDocument {
		err = fmt.Errorf("read %s: it has %d bytes, more than %d", path, info.Size(), maxDocument)
	}
	if err != nil {
		return nil, err
	}
	d.has, d.mode = true, info.Mode().Perm()
	if d.raw, err = os.ReadFile(path); err != nil {
		return nil, err
	}
	return d, d.check()
}

// check refuses what is not one JSON object.
func (d *document) check() error {
	body := d.body()
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	var top map[string]json.RawMessage
	err := json.Unmarshal(body, &top)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return d.unfit("it is not JSON at byte %d: %w", syntax.Offset, err)
	case err != nil || top == nil:
		return d.unfit("it holds no JSON object")
	}
	return nil
}

// unfit is the error of a file that cannot be worked with.
func (d *document) unfit(format string, args ...any) error {
	return memory.Errorf(memory.CodeFailed, "read "+d.path+": "+format, args...).
		WithHint("nothing was changed; mend or remove the file, then try again")
}

// body is the JSON text.
func (d *document) body() []byte { return bytes.TrimPrefix(d.raw, bom) }

// at returns the value at a path of names, nil where there is none. Every value before it must be
// an object.
func (d *document) at(path []string) (json.RawMessage, error) {
	raw := json.RawMessage(d.body())
	for i, name := range path {
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil, nil
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, d.unfit("%s is no object", strings.Join(path[:i], "."))
		}
		next, ok := object[name]
		if !ok {
			return nil, nil
		}
		raw = next
	}
	return raw, nil
}

// set returns the file with a value at a path of names.
func (d *document) set(path []string, v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	body := d.body()
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	out, err := sjson.SetRawBytes(body, escaped(path), value)
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", d.path, err)
	}
	return d.finish(path, out, value)
}

// unset returns the file without the value at a path of names.
func (d *document) unset(path []string) ([]byte, error) {
	out, err := sjson.DeleteBytes(d.body(), escaped(path))
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", d.path, err)
	}
	return d.finish(path, out, nil)
}

// finish indents an edited body as the file was, and makes sure of what the edit came to.
func (d *document) finish(path []string, body, want []byte) ([]byte, error) {
	for _, indent := range []string{"  ", "\t", "    "} {
		if plain := indented(d.body(), indent); !d.has || bytes.Equal(plain, d.body()) {
			body = indented(body, indent)
			break
		}
	}
	edited := &document{path: d.path, has: true, raw: body}
	err := edited.check()
	var got json.RawMessage
	if err == nil {
		got, err = edited.at(path)
	}
	var flat bytes.Buffer
	if err == nil && got != nil {
		err = json.Compact(&flat, got)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(flat.Bytes(), want) {
		return nil, d.unfit("the entry cannot be edited in place; a name may be there twice")
	}
	if bytes.HasPrefix(d.raw, bom) {
		body = append(bytes.Clone(bom), body...)
	}
	return body, nil
}

// indented returns body indented throughout, its last newline kept.
func indented(body []byte, indent string) []byte {
	var out bytes.Buffer
	if json.Indent(&out, body, "", indent) != nil {
		return nil
	}
	return out.Bytes()
}

// escaped returns names as a path of sjson.
func escaped(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = gjson.Escape(n)
	}
	return strings.Join(out, ".")
}
