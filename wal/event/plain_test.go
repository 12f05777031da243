package event

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sameAsFields holds Decode, DecodeMemory and EncodeMemory against the way field by field.
func sameAsFields(t *testing.T, b []byte) {
	t.Helper()
	got, err := Decode(b)
	want, wantErr := decodeFields(b)
	if d := cmp.Diff(got, want); d != "" || text(err) != text(wantErr) {
		t.Errorf("%x: error %v, want %v (-got +want):\n%s", b, err, wantErr, d)
	}
	m, err := DecodeMemory(b)
	wantM, wantErr := decodeMemoryFields(b)
	if d := cmp.Diff(m, wantM); d != "" || text(err) != text(wantErr) {
		t.Errorf("memory %x: error %v, want %v (-got +want):\n%s", b, err, wantErr, d)
	}
	sameEncoding(t, m)
	switch e := got.Event.(type) {
	case Stored:
		sameEncoding(t, e.Memory)
	case Updated:
		sameEncoding(t, e.Memory)
	case Reverted:
		sameEncoding(t, e.Memory)
	case Restored:
		sameEncoding(t, e.Memory)
	}
}

func sameEncoding(t *testing.T, m Memory) {
	t.Helper()
	got, err := EncodeMemory(m)
	want, wantErr := encodeMemoryFields(m)
	if !bytes.Equal(got, want) || text(err) != text(wantErr) {
		t.Errorf("%#v is encoded as %x (%v), want %x (%v)", m, got, err, want, wantErr)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

type oddField struct {
	key    string
	values []string
}

// oddFields are the fields of a memory as hexadecimal CBOR, each with what may stand there: nothing,
// what is usual, and what is odd.
var oddFields = []oddField{
	{"626964", []string{"", "50010000000000700080000000000000" + "01", "f6", "40", "4101", "80", "6161",
		"50" + "00000000000000000000000000000000", "83010203", "9001010101010101010101010101010101"}},
	{"6176", []string{"", "03", "f6", "f7", "20", "1bffffffffffffffff", "fb3ff0000000000000", "6131", "1803"}},
	{"6163", []string{"", "6178", "60", "f6", "4178", "61ff", "7f61786178ff", "c06178", "f5"}},
	{"6167", []string{"", "80", "816161", "f6", "81f6", "820102", "6161", "8161ff"}},
	{"616d", []string{"", "426162", "40", "f6", "626162", "820102", "81190100"}},
	{"616e", []string{"", "00", "01", "20", "f6", "f7", "1b7fffffffffffffff", "3b7fffffffffffffff",
		"1b00038d7ea4c68000", "fa3f800000", "6130"}},
	{"6175", []string{"", "01", "f6"}},
	{"6161", []string{"", "80", "816161", "f6", "a0"}},
	{"6173", []string{"", "50010000000000700080000000000000" + "02", "40", "f6", "4101", "01",
		"50" + "00000000000000000000000000000000"}},
	{"6178", []string{"", "01"}}, // a newer version's
	{"01", []string{"", "01"}},
}

// oddTop are fields beside the body.
var oddTop = []oddField{
	{"6169", []string{"f5", "f4", "f6", "01"}},
	{"6172", []string{"4107", "f6", "6161", "40"}},
	{"617a", []string{"01"}},
}

// oddBody makes a body of some fields.
func oddBody(r *rand.Rand) []byte {
	var body []byte
	n := 0
	put := func(key, value string) {
		b, _ := hex.DecodeString(key + value)
		body, n = append(body, b...), n+1
	}
	for _, f := range oddFields {
		key, values := f.key, f.values
		i := 1 // the usual
		switch roll := r.IntN(10); {
		case key == "6178" || key == "01":
			i = 0
			if roll == 0 && r.IntN(5) == 0 {
				i = 1
			}
		case roll == 0:
			i = r.IntN(len(values))
		}
		if values[i] != "" {
			put(key, values[i])
		}
		if values[i] != "" && r.IntN(100) == 0 {
			put(key, values[i]) // doubled
		}
	}
	return append([]byte{0xa0 | byte(n)}, body...)
}

// TestPlainIsAsFields holds what is read and written as structs against the way field by field, in
// events that are usual but for a field or two, and in bytes that are damaged.
func TestPlainIsAsFields(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var kinds []string
	for _, k := range []Kind{KindStored, KindUpdated, KindReverted, KindRestored, KindDeleted, "new"} {
		kinds = append(kinds, hex.EncodeToString(append([]byte{0x60 | byte(len(k))}, k...)))
	}
	plain, valid := 0, 0
	for range 20_000 {
		body := oddBody(r)
		sameAsFields(t, body)
		b := append([]byte{0xa2, 0x61, 'b'}, body...)
		kind, _ := hex.DecodeString("616b" + kinds[r.IntN(len(kinds))])
		b = append(b, kind...)
		for _, f := range oddTop {
			if r.IntN(8) == 0 {
				more, _ := hex.DecodeString(f.key + f.values[r.IntN(len(f.values))])
				b = append(b, more...)
				b[0]++
			}
		}
		switch r.IntN(10) {
		case 0:
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		case 1:
			b = b[:r.IntN(len(b)+1)]
		case 2:
			b = append(b, byte(r.Uint32()))
		}
		sameAsFields(t, b)
		if _, ok := decodePlain(b); ok {
			plain++
		}
		if _, err := decodeFields(b); err == nil {
			valid++
		}
		if t.Failed() {
			return
		}
	}
	if plain < 1000 || valid < 2*plain {
		t.Errorf("%d plain of %d valid events: this tests little", plain, valid)
	}
	for name, e := range every() {
		b, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		sameAsFields(t, b)
		_, isPlain := decodePlain(b)
		_, ok := map[string]bool{"stored": true, "updated": true, "reverted": true, "restored": true}[name]
		if isPlain != ok {
			t.Errorf("%s is plain: %v", name, isPlain)
		}
	}
}

// TestPlainEncoding holds the encoding of memories with fields left out against the way field by
// field.
func TestPlainEncoding(t *testing.T) {
	for i := range 1 << 10 {
		m := whole()
		drop := func(bit int, f func()) {
			if i>>bit&1 == 1 {
				f()
			}
		}
		drop(0, func() { m.ID = ID{} })
		drop(1, func() { m.Version = 0 })
		drop(2, func() { m.Content, m.Type = "", "" })
		drop(3, func() { m.Tags = []string{} })
		drop(4, func() { m.Metadata = nil })
		drop(5, func() { m.CreatedAt = time.Time{} })
		drop(6, func() { m.UpdatedAt = time.UnixMicro(0) })
		drop(7, func() { m.Aliases = nil })
		drop(8, func() { m.SupersededBy = ID{} })
		drop(9, func() { m.Extra = Extra{"mood": {0x01}} })
		sameEncoding(t, m)
	}
}
