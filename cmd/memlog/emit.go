package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"
)

// writeJSON writes v as one line of JSON: lists that are not optional as [] rather than null, and
// C1 control characters escaped, since a terminal may obey them.
func writeJSON(w io.Writer, v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func marshal(v any) ([]byte, error) {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	fillLists(p.Elem())
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p.Interface()); err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return escapeC1(bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})), nil
}

// fillLists makes empty lists of nil ones, so that scripts can loop without asking. Lists marked
// omitempty stay away all the same.
func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fillLists(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fillLists(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		if v.IsNil() && v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	}
}

// escapeC1 writes DEL and the C1 controls of JSON text as \u escapes, which mean the same. They
// can only stand within strings.
func escapeC1(b []byte) []byte {
	dirty := bytes.IndexByte(b, 0x7f) >= 0 || bytes.IndexByte(b, 0xc2) >= 0
	if !dirty {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r >= 0x7f && r <= 0x9f {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// withError returns the JSON object of v with the error beside its fields.
func withError(v any, err error) (json.RawMessage, error) {
	b, merr := marshal(v)
	if merr != nil {
		return nil, merr
	}
	e, merr := marshal(errorDocument{Error: describe(err)})
	if merr != nil {
		return nil, merr
	}
	// Both are objects that are not empty: one continues the other.
	b = append(b[:len(b)-1], ',')
	return append(b, e[1:]...), nil
}
