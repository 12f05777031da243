package rpc

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The names of one-field objects that stand for what JSON has no form of.
const (
	keyBytes = "$bytes" // a string that is not UTF-8, in base64
	keyRaw   = "$raw"   // JSON word for word, among values of any type
)

// appendJSON appends v as one line of JSON that [decode] turns into an equal value.
func appendJSON(b []byte, v any) []byte { return appendValue(b, reflect.ValueOf(v)) }

func appendValue(b []byte, v reflect.Value) []byte {
	switch t := v.Type(); {
	case t == timeType:
		return appendTime(b, v.Interface().(time.Time))
	case t == rawType:
		return appendString(b, string(v.Bytes()))
	case t == spanType:
		return append(b, v.Bytes()...)
	case t == bytesType:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	case t.Kind() == reflect.Array && t.Implements(writesText):
		return appendText(b, v.Interface().(encoding.TextMarshaler))
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10)
	case reflect.Float64:
		return appendFloat(b, v.Float())
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Slice:
		return appendSlice(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Pointer:
		return appendPointer(b, v)
	case reflect.Struct:
		return appendStruct(b, v)
	case reflect.Interface:
		return appendAny(b, v.Interface())
	}
	return appendOther(b, v.Interface())
}

// appendStruct leaves out fields of the zero value, and only those: nil and empty stay apart.
func appendStruct(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for _, f := range fieldsOf(v.Type()).list {
		fv := v.Field(f.index)
		if fv.IsZero() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		b = appendValue(b, fv)
	}
	return append(b, '}')
}

// appendPointer writes null for a pointer to nil, which is not the same as no pointer: that of a
// struct's field is left out.
func appendPointer(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	return appendValue(b, v.Elem())
}

func appendSlice(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v.Index(i))
	}
	return append(b, ']')
}

// appendMap writes keys in order, so that equal values are equal bytes.
func appendMap(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int {
		return strings.Compare(x.String(), y.String())
	})
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, strings.ToValidUTF8(k.String(), "\ufffd"))
		b = append(b, ':')
		b = appendValue(b, v.MapIndex(k))
	}
	return append(b, '}')
}

// appendAny writes a value whose type the other side does not know.
func appendAny(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case json.RawMessage:
		b = append(b, `{"`+keyRaw+`":`...)
		b = appendString(b, string(x))
		return append(b, '}')
	case json.Number:
		return appendOther(b, x)
	}
	return appendValue(b, reflect.ValueOf(v))
}

// appendOther writes what the contract has none of, as well as can be.
func appendOther(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return appendString(b, fmt.Sprint(v))
	}
	return append(b, text...)
}

func appendText(b []byte, m encoding.TextMarshaler) []byte {
	text, err := m.MarshalText()
	if err != nil {
		return appendString(b, "")
	}
	return appendString(b, string(text))
}

// unixPrefix marks a time that RFC 3339 cannot say: seconds and nanoseconds since 1970 follow.
const unixPrefix = "unix:"

// appendTime writes RFC 3339 where that says it all, with the offset; else the moment alone.
func appendTime(b []byte, t time.Time) []byte {
	if text, err := t.MarshalText(); err == nil {
		if back, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && back.Equal(t) {
			return appendQuoted(b, string(text))
		}
	}
	return appendQuoted(b, fmt.Sprintf("%s%d.%09d", unixPrefix, t.Unix(), t.Nanosecond()))
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendQuoted(b, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendString writes any bytes: as a JSON string where they are UTF-8.
func appendString(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return appendQuoted(b, s)
	}
	b = append(b, `{"`+keyBytes+`":"`...)
	b = base64.StdEncoding.AppendEncode(b, []byte(s))
	return append(b, `"}`...)
}

// appendQuoted writes UTF-8 as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
