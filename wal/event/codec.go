package event

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// MaxEvent bounds one encoded event in bytes; [Encode] and [Decode] refuse more.
const MaxEvent = 32 << 20

// RequestHashSize is the length of a request fingerprint in bytes.
const RequestHashSize = 32

// ErrMalformed is wrapped by every error of [Decode].
var ErrMalformed = errors.New("malformed event")

// Envelope is an event with what travels beside it.
type Envelope struct {
	Event Event
	// Request is the fingerprint (SHA-256) of the request that caused the record, on its first
	// event only; nil elsewhere. It stands inside the event so that it goes when the event is
	// destroyed, and confirms nothing afterwards.
	Request []byte
	Extra   Extra // unknown fields of a known kind's body
	Top     Extra // unknown fields beside the body
}

// Encode returns the deterministic encoding of e: the same envelope always gives the same bytes.
// The caller owns them.
func Encode(e Envelope) ([]byte, error) {
	if u, ok := e.Event.(Unknown); ok {
		return append([]byte(nil), u.Raw...), nil
	}
	body := fields{}
	if err := putBody(body, e.Event); err != nil {
		return nil, err
	}
	body.putExtra(e.Extra)
	top := fields{}
	top.put("k", string(e.Event.Kind()))
	if ignorable(e.Event.Kind()) {
		top.put("i", true)
	}
	if len(e.Request) > 0 {
		top.put("r", e.Request)
	}
	top.put("b", map[string]any(body))
	top.putExtra(e.Top)
	b, err := encMode.Marshal(map[string]any(top))
	if err != nil {
		return nil, fmt.Errorf("encode %s event: %w", e.Event.Kind(), err)
	}
	if len(b) > MaxEvent {
		return nil, fmt.Errorf("encode %s event: %d bytes, at most %d", e.Event.Kind(), len(b), MaxEvent)
	}
	return b, nil
}

// Decode reads one encoded event. A kind that this version does not know comes back as [Unknown]
// and is no error; a known kind whose fields are not what they should be is [ErrMalformed]. The
// result shares no memory with b.
func Decode(b []byte) (Envelope, error) {
	if len(b) > MaxEvent {
		return Envelope{}, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(b), MaxEvent)
	}
	if e, ok := decodePlain(b); ok {
		return e, nil
	}
	return decodeFields(b)
}

// decodeFields is Decode for every event, field by field.
func decodeFields(b []byte) (Envelope, error) {
	top := reader{}
	if err := decMode.Unmarshal(b, &top.fields); err != nil {
		return Envelope{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	var kind string
	var canSkip bool
	e := Envelope{}
	top.take("k", &kind)
	top.take("i", &canSkip)
	top.take("r", &e.Request)
	if kind == "" && top.err == nil {
		top.err = errors.New("no kind")
	}
	if top.err == nil && !known(Kind(kind)) {
		raw := append([]byte(nil), b...)
		e.Event = Unknown{Name: Kind(kind), Ignorable: canSkip, Raw: raw}
		return e, nil
	}
	body := reader{}
	top.take("b", &body.fields)
	if top.err == nil {
		e.Event, top.err = takeBody(&body, Kind(kind))
	}
	if top.err == nil {
		top.err = body.err
	}
	if top.err != nil {
		return Envelope{}, fmt.Errorf("%w: %s: %v", ErrMalformed, kind, top.err)
	}
	e.Extra, e.Top = body.rest(), top.rest()
	return e, nil
}

// encMode is RFC 8949 core deterministic encoding.
var encMode = must(cbor.CoreDetEncOptions().EncMode())

// decMode refuses what core deterministic encoding never writes where it could hide something:
// doubled keys, indefinite lengths, tags. Depth and sizes are bounded by MaxEvent.
var decMode = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	IndefLength:      cbor.IndefLengthForbidden,
	TagsMd:           cbor.TagsForbidden,
	UTF8:             cbor.UTF8RejectInvalid,
	MaxArrayElements: 1 << 20,
	MaxMapPairs:      1 << 16,
	MaxNestedLevels:  32,

	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // constant options: cannot fail once the tests have run
	}
	return v
}

// fields is the map of an encoding in the making.
type fields map[string]any

func (f fields) put(key string, v any) { f[key] = v }

// putExtra adds fields of a newer version, without letting them cover a known one.
func (f fields) putExtra(x Extra) {
	for k, v := range x {
		if _, taken := f[k]; !taken {
			f[k] = cbor.RawMessage(v)
		}
	}
}

// reader takes known fields out of a decoded map; what is left are fields of a newer version.
type reader struct {
	fields map[string]cbor.RawMessage
	err    error
}

// take decodes the field key into dst, where it is there, and takes it away.
func (r *reader) take(key string, dst any) {
	raw, ok := r.fields[key]
	if !ok || r.err != nil {
		return
	}
	delete(r.fields, key)
	if err := decMode.Unmarshal(raw, dst); err != nil {
		r.err = fmt.Errorf("field %q: %v", key, err)
	}
}

func (r *reader) rest() Extra {
	if len(r.fields) == 0 {
		return nil
	}
	x := Extra{}
	for k, v := range r.fields {
		x[k] = append([]byte(nil), v...)
	}
	return x
}

// EncodeMemory returns the deterministic encoding of a memory alone, as the body of [Stored] has
// it: what projections keep.
func EncodeMemory(m Memory) ([]byte, error) {
	if len(m.Extra) == 0 {
		return encodePlainMemory(m)
	}
	return encodeMemoryFields(m)
}

func encodeMemoryFields(m Memory) ([]byte, error) {
	f := fields{}
	f.putMemory(m)
	return encMode.Marshal(map[string]any(f))
}

// DecodeMemory reads what [EncodeMemory] wrote.
func DecodeMemory(b []byte) (Memory, error) {
	if m, ok := decodePlainMemory(b); ok {
		return m, nil
	}
	return decodeMemoryFields(b)
}

func decodeMemoryFields(b []byte) (Memory, error) {
	r := reader{}
	r.err = decMode.Unmarshal(b, &r.fields)
	m := r.memory()
	if r.err != nil {
		return Memory{}, fmt.Errorf("%w: memory: %v", ErrMalformed, r.err)
	}
	return m, nil
}

// DecodeContent reads only the content of what [EncodeMemory] wrote.
func DecodeContent(b []byte) (string, error) {
	var m struct {
		Content string `cbor:"c"`
	}
	if err := decMode.Unmarshal(b, &m); err != nil {
		return "", fmt.Errorf("%w: memory: %v", ErrMalformed, err)
	}
	return m.Content, nil
}

// EncodeOccurrence returns the deterministic encoding of an occurrence alone.
func EncodeOccurrence(o Occurrence) ([]byte, error) {
	return encMode.Marshal(occurrenceFields(o))
}

// DecodeOccurrence reads what [EncodeOccurrence] wrote.
func DecodeOccurrence(b []byte) (Occurrence, error) {
	r := reader{fields: map[string]cbor.RawMessage{"o": b}}
	o := r.occurrence("o")
	if r.err != nil {
		return Occurrence{}, fmt.Errorf("%w: %v", ErrMalformed, r.err)
	}
	return o, nil
}
