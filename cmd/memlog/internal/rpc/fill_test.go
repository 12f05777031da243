package rpc

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// filler makes values of any type of the contract in which no two fields are alike and none is
// zero, so that one that is lost or swapped on the wire shows.
type filler struct {
	n     int
	plain bool // strings are readable
}

// hostile ends each string that a filler makes: what JSON escapes, what HTML would, and what is no
// UTF-8.
const hostile = " \"\\/\n\r\t\x00\x1f\x7f<&>\u2028\u00e9\U0001f9e0\xff\xed\xa0\x80"

var progressType = reflect.TypeFor[memory.Progress]()

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch t := v.Type(); {
	case t == progressType:
		return
	case t == timeType:
		zone := time.FixedZone("", 3600*(f.n%12))
		v.Set(reflect.ValueOf(time.Date(2000+f.n%100, 3, 4, 5, 6, f.n%60, 7000+f.n, zone)))
		return
	case t == rawType:
		v.SetBytes(fmt.Appendf(nil, "{ \"n\" : %d.00 ,\n\"bad\": \xff", f.n))
		return
	case t.Kind() == reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(f.n+i) % 256)
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-1<<62 - int64(f.n))
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(f.n))
	case reflect.Uint8:
		v.SetUint(uint64(f.n % 256))
	case reflect.Float64:
		v.SetFloat(float64(f.n) / 3)
	case reflect.String:
		text := fmt.Sprintf("s%d%s", f.n, hostile)
		if f.plain {
			text = fmt.Sprint("s", f.n)
		}
		v.SetString(text)
	case reflect.Interface:
		v.Set(reflect.ValueOf(json.Number(fmt.Sprintf("18446744073709%06d", f.n))))
	default:
		f.fillCompound(v)
	}
}

func (f *filler) fillCompound(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 2 {
			e := reflect.New(v.Type().Elem()).Elem()
			f.fill(e)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("k%d \"", i)), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("fill %v", v.Type()))
	}
}

// empty makes every list, map and pointer of v one that is there and holds nothing.
func empty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != timeType {
				empty(v.Field(i))
			}
		}
	}
}

// filled returns a full value of a type.
func filled[T any]() T { return filledBy[T](new(filler)) }

func filledBy[T any](f *filler) T {
	var v T
	f.fill(reflect.ValueOf(&v).Elem())
	return v
}
