package rpc

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

// The types that the codec writes in a way of their own.
var (
	timeType   = reflect.TypeFor[time.Time]()
	rawType    = reflect.TypeFor[json.RawMessage]()
	spanType   = reflect.TypeFor[span]()
	bytesType  = reflect.TypeFor[[]byte]()
	writesText = reflect.TypeFor[encoding.TextMarshaler]()
	readsText  = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// span is a value taken out of JSON as it stands, to be decoded by whom it concerns.
type span []byte

// field is a field of a struct as the wire has it.
type field struct {
	name  string
	index int
}

// fields are those of a struct type, in order.
type fields struct {
	list   []field
	byName map[string]int // to the index in the struct
}

// known caches the fields of each struct type that was seen; it only ever grows by the types of
// the contract.
var known sync.Map // reflect.Type -> *fields

// fieldsOf returns the fields of t by their JSON names. Fields marked "-" and those not exported
// are left out. An embedded struct is one field by the name of its type, in lower case: flattened,
// fields of equal names would hide each other.
func fieldsOf(t reflect.Type) *fields {
	if f, ok := known.Load(t); ok {
		return f.(*fields)
	}
	out := &fields{byName: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		out.list = append(out.list, field{name, i})
		out.byName[name] = i
	}
	f, _ := known.LoadOrStore(t, out)
	return f.(*fields)
}

// canCarry tells what in a type the codec would lose. Tests hold it against every type of the
// contract.
func canCarry(t reflect.Type) error {
	return canCarryOnce(t, map[reflect.Type]bool{})
}

func canCarryOnce(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	switch {
	case t == timeType, t == rawType, t == bytesType, t == spanType:
		return nil
	case t.Implements(writesText) && reflect.PointerTo(t).Implements(readsText):
		return nil
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64, reflect.String:
		return nil
	case reflect.Slice, reflect.Pointer:
		return canCarryOnce(t.Elem(), seen)
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return canCarryOnce(t.Elem(), seen)
		}
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return nil
		}
	case reflect.Struct:
		for _, f := range fieldsOf(t).list {
			if err := canCarryOnce(t.Field(f.index).Type, seen); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if len(fieldsOf(t).list) != len(fieldsOf(t).byName) {
			return fmt.Errorf("two fields of %v have one name", t)
		}
		return nil
	}
	return fmt.Errorf("type %v is not carried", t)
}
