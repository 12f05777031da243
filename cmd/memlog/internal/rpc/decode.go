package rpc

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxItems bounds the elements of one list in a request: some more than a legal one can have, so
// that the store refuses it with the argument's name, and few enough that a request of nothing but
// brackets does not become gigabytes.
const maxItems = 200_000

// unknownField is a request's field that this side does not know. It may have been a filter, so it
// is never ignored.
type unknownField struct{ name string }

func (e *unknownField) Error() string { return fmt.Sprintf("field %q is not known here", e.name) }

// decode reads what [appendJSON] wrote into the value to points at, which is zero. A strict decoder
// (of requests) refuses unknown fields and long lists; another (of answers, which a newer owner may
// have more to say in) passes them over.
func decode(data []byte, to any, strict bool) error {
	d := &decoder{scanner: scanner{data: data}, strict: strict}
	if err := d.value(reflect.ValueOf(to).Elem()); err != nil {
		return err
	}
	return d.end()
}

// decoder turns JSON into values of known types.
type decoder struct {
	scanner
	strict bool
}

func (d *decoder) value(v reflect.Value) error {
	switch t := v.Type(); {
	case t == timeType:
		return d.time(v)
	case t == rawType:
		s, err := d.text()
		v.SetBytes([]byte(s))
		return err
	case t == spanType:
		from := d.next()
		err := d.skip()
		v.SetBytes(d.data[from:d.pos:d.pos])
		return err
	case t == bytesType:
		s, err := d.text()
		if err != nil {
			return err
		}
		b, err := base64.StdEncoding.DecodeString(s)
		v.SetBytes(b)
		return err
	case t.Kind() == reflect.Array:
		return d.array(v)
	}
	switch v.Kind() {
	case reflect.Bool:
		b, err := d.bool()
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return d.number(v)
	case reflect.String:
		s, err := d.text()
		v.SetString(s)
		return err
	case reflect.Slice:
		return d.slice(v)
	case reflect.Map:
		return d.mapping(v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem())
	case reflect.Struct:
		return d.structure(v)
	case reflect.Interface:
		return d.anyInto(v)
	}
	return fmt.Errorf("type %v is not carried", v.Type())
}

// array reads an identifier.
func (d *decoder) array(v reflect.Value) error {
	s, err := d.text()
	if err != nil {
		return err
	}
	u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return fmt.Errorf("type %v is not carried", v.Type())
	}
	return u.UnmarshalText([]byte(s))
}

func (d *decoder) time(v reflect.Value) error {
	s, err := d.text()
	if err != nil {
		return err
	}
	t, err := parseTime(s)
	v.Set(reflect.ValueOf(t))
	return err
}

// parseTime reads what appendTime writes.
func parseTime(s string) (time.Time, error) {
	rest, unix := strings.CutPrefix(s, unixPrefix)
	if !unix {
		return time.Parse(time.RFC3339Nano, s)
	}
	secs, nanos, _ := strings.Cut(rest, ".")
	sec, err := strconv.ParseInt(secs, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q is no number of seconds", s)
	}
	nsec, err := strconv.ParseUint(nanos, 10, 30)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q has no nanoseconds", s)
	}
	return time.Unix(sec, int64(nsec)).UTC(), nil
}

func (d *decoder) number(v reflect.Value) error {
	s, err := d.numeral()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.Uint64:
		n, err := strconv.ParseUint(s, 10, 64)
		v.SetUint(n)
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(s, 64)
		v.SetFloat(f)
		return err
	}
	n, err := strconv.ParseInt(s, 10, v.Type().Bits())
	v.SetInt(n)
	return err
}

func (d *decoder) slice(v reflect.Value) error {
	if d.null() {
		return nil
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	return d.list(func(i int) error {
		if d.strict && i >= maxItems {
			return fmt.Errorf("list of more than %d", maxItems)
		}
		v.Grow(1)
		v.SetLen(i + 1)
		v.Index(i).SetZero()
		return d.value(v.Index(i))
	})
}

func (d *decoder) mapping(v reflect.Value) error {
	if d.null() {
		return nil
	}
	v.Set(reflect.MakeMap(v.Type()))
	return d.object(func(name string) error {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e); err != nil {
			return fmt.Errorf("%.40s: %w", name, err)
		}
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), e)
		return nil
	})
}

func (d *decoder) structure(v reflect.Value) error {
	f := fieldsOf(v.Type())
	return d.object(func(name string) error {
		i, ok := f.byName[name]
		if !ok && d.strict {
			return &unknownField{name}
		}
		if !ok {
			return d.skip()
		}
		v.Field(i).SetZero()
		if err := d.value(v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// anyInto reads a value of any type: numbers stay numerals, so that none loses a digit.
func (d *decoder) anyInto(v reflect.Value) error {
	x, err := d.any()
	if err == nil && x != nil {
		v.Set(reflect.ValueOf(x))
	}
	return err
}

func (d *decoder) any() (any, error) {
	switch c := d.peek(); c {
	case '"':
		return d.text()
	case 't', 'f':
		return d.bool()
	case 'n':
		return nil, d.literal("null")
	case '[':
		out := []any{}
		err := d.list(func(int) error {
			x, err := d.any()
			out = append(out, x)
			return err
		})
		return out, err
	case '{':
		return d.anyObject()
	}
	s, err := d.numeral()
	return json.Number(s), err
}

func (d *decoder) anyObject() (any, error) {
	out := map[string]any{}
	err := d.object(func(name string) error {
		x, err := d.any()
		out[name] = x
		return err
	})
	if err != nil || len(out) != 1 {
		return out, err
	}
	if s, ok := out[keyRaw].(string); ok {
		return json.RawMessage(s), nil
	}
	if s, ok := out[keyBytes].(string); ok {
		b, err := base64.StdEncoding.DecodeString(s)
		return string(b), err
	}
	return out, nil
}
