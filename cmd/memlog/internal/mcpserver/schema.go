package mcpserver

import (
	"bytes"
	"encoding/json"
)

// field is a member of a JSON object whose order matters: a model reads a schema from the top.
type field struct {
	name  string
	value any
}

// fields is a JSON object in the order written.
type fields []field

// MarshalJSON writes the members in order.
func (f fields) MarshalJSON() ([]byte, error) { return f.append(nil) }

// append writes the members into b: what stands inside is not encoded again at each level.
func (f fields) append(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i, m := range f {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		b = append(append(b, name...), ':')
		if inner, ok := m.value.(fields); ok {
			b, err = inner.append(b)
		} else {
			var value []byte
			value, err = marshal(m.value)
			b = append(b, value...)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// marshal encodes v without escaping <, > and &, which would cost a model six bytes each.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// inputSchema documents the canonical parameters. It does not forbid others: names an agent got
// wrong are understood, and what is not understood is refused with a sentence that helps.
func inputSchema(params []param) fields {
	props := fields{}
	required := []string{}
	for _, p := range params {
		props = append(props, field{p.name, p.schema()})
		if p.required {
			required = append(required, p.name)
		}
	}
	s := fields{{"type", "object"}, {"properties", props}}
	if len(required) > 0 {
		s = append(s, field{"required", required})
	}
	return s
}

func (p param) schema() fields {
	var s fields
	switch p.kind {
	case kindInt:
		s = fields{{"type", "integer"}, {"minimum", p.min}, {"maximum", p.max}}
	case kindBool:
		s = fields{{"type", "boolean"}}
	case kindList, kindIDs:
		s = fields{{"type", "array"}, {"items", fields{{"type", "string"}}}}
	case kindJSON:
		s = fields{{"type", "object"}}
	case kindMoment:
		s = fields{{"type", []string{"string", "integer"}}}
	case kindEntries:
		s = fields{{"type", "array"}, {"items", inputSchema(entryParams)}}
	default:
		s = fields{{"type", "string"}}
	}
	if len(p.enum) > 0 {
		s = append(s, field{"enum", p.enum})
	}
	return append(s, field{"description", p.doc})
}

// The parts of output schemas.
var (
	aString     = fields{{"type", "string"}}
	anInt       = fields{{"type", "integer"}}
	aNumber     = fields{{"type", "number"}}
	aBool       = fields{{"type", "boolean"}}
	aTime       = fields{{"type", "string"}, {"format", "date-time"}}
	someStrings = fields{{"type", "array"}, {"items", aString}}
)

// described adds a description to a schema.
func described(s fields, doc string) fields {
	return append(append(fields{}, s...), field{"description", doc})
}

// listOf is the schema of a list.
func listOf(item fields) fields { return fields{{"type", "array"}, {"items", item}} }

// object is the schema of an object; required names the members that are always there.
func object(required []string, members fields) fields {
	return fields{{"type", "object"}, {"properties", members}, {"required", required}}
}
