package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// KeySpaceVersion is the version of everything in this file and of the values behind it. Raise it
// with any change: an index of another version is ErrOutdated and is rebuilt from the log.
const KeySpaceVersion = 7

// FoldVersion is the version of what package projection makes of a record (projection.Version). It
// stands here so that it is part of the schema without anybody having to pass it.
const FoldVersion = 3

// The key space. A key is one of these bytes and then fields: numbers are big endian and fixed
// width, so that keys sort as numbers do; "string" is escaped and terminated (see appendString).
// An interval value is its end, 0 while it is open; its begin stands in the key.
//
//	m name                          the schema, the state (checkpoint and counters), read-only
//	d id                            -> ordinal of a document
//	j ordinal>>8                    -> ids of 256 documents, appended
//	h ordinal                       -> head: where the present image is, highest version ever
//	i ordinal from row              -> image; never rewritten
//	x row                           -> end of the image with that row
//	r row>>8                        -> fixed-size facts of 256 rows, appended (see table.go)
//	t ordinal string(tag) from      -> end of a tag on a document
//	g string(tag) ordinal from      -> the same by tag
//	o ordinal occurrence from       -> occurrence
//	k created ordinal occ. from     -> end of an occurrence, by created time
//	l ordinal ordinal string(type) since -> end of a link, from its source
//	L ordinal ordinal string(type) since -> the same from its target
//	a string(alias) ordinal from    -> end of an alias
//	A ordinal string(alias) from    -> the same by document
//	e exact-key ordinal row         -> begin of the image with that row
//	q request id                    -> sequence number
//	u seq at                        -> 1 undone, 0 redone, by the record at
//	G string(group) seq             -> nothing
//	c seq                           -> session and group of an undoable command
//	C string(session) seq           -> group of an undoable command
//	y number                        -> name (of a type or a project)
//	Y name                          -> its number
//	n seq                           -> totals and state digest as of seq, where they changed
//	p string(term) row>>16          -> postings of 65536 rows, appended (see postings.go)
//	s hash(stream)                  -> newest session and created time of a stream
//	z kind                          -> number of anomalies
//	Z number                        -> one of the first anomalies
//	w space                         -> a space of vectors and how many it has (see vectors.go)
//	v space slot                    -> vector
//	V s space slot>>8               -> rows and arrivals of 256 vectors, appended
//	V c space slot>>8               -> codes of 256 vectors, appended
//	V m space number                -> a mean that codes are around
//	V p space epoch                 -> centroids of partitions
//	V q space slot>>8               -> partitions of 256 vectors, appended
//	b seq images                    -> topics (see topics.go)
//	W space ordinal version         -> slot of the vector of a document's version
const (
	keyMeta       = 'm'
	keyDoc        = 'd'
	keyIDs        = 'j'
	keyHead       = 'h'
	keyImage      = 'i'
	keyClosed     = 'x'
	keyRows       = 'r'
	keyDocTag     = 't'
	keyTagDoc     = 'g'
	keyOccurrence = 'o'
	keyOccTime    = 'k'
	keyLink       = 'l'
	keyLinkBack   = 'L'
	keyAliasDoc   = 'a'
	keyDocAlias   = 'A'
	keyExact      = 'e'
	keyRequest    = 'q'
	keyUndone     = 'u'
	keyGroup      = 'G'
	keyCommand    = 'c'
	keySession    = 'C'
	keyName       = 'y'
	keyNameID     = 'Y'
	keyStat       = 'n'
	keyPosting    = 'p'
	keyStream     = 's'
	keyAnomalies  = 'z'
	keyAnomaly    = 'Z'
	keyTopics     = 'b'

	keySpace         = 'w'
	keyVector        = 'v'
	keySpacePart     = 'V'
	keyVersionVector = 'W'
)

// Block sizes, as shifts of an ordinal or row.
const (
	idBlockShift      = 8
	rowBlockShift     = 8
	postingBlockShift = 16
)

var (
	metaSchema   = []byte{keyMeta, 's'}
	metaState    = []byte{keyMeta, 't'}
	metaReadOnly = []byte{keyMeta, 'w'}
)

// errValue is wrapped where a stored value is not of its form, which a checksum should have seen.
var errValue = errors.New("malformed index value")

// A key in the making.
type key []byte

func newKey(prefix byte) key { return append(make(key, 0, 48), prefix) }

func (k key) u32(n uint32) key  { return binary.BigEndian.AppendUint32(k, n) }
func (k key) u64(n uint64) key  { return binary.BigEndian.AppendUint64(k, n) }
func (k key) ord(n Ordinal) key { return k.u32(uint32(n)) }
func (k key) row(n Row) key     { return k.u32(uint32(n)) }
func (k key) id(id ID) key      { return append(k, id[:]...) }
func (k key) raw(s string) key  { return append(k, s...) }

// time appends microseconds so that they sort, also before 1970.
func (k key) time(us int64) key { return k.u64(uint64(us) ^ 1<<63) }

// str appends s so that it can be followed by more: a zero byte becomes 00 FF, and 00 01 ends it.
func (k key) str(s string) key {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			k = append(k, s...)
			return append(k, 0, 1)
		}
		k = append(append(k, s[:i]...), 0, 0xFF)
		s = s[i+1:]
	}
}

// upper returns the first key behind all that begin with k.
func (k key) upper() []byte {
	u := append([]byte(nil), k...)
	for i := len(u) - 1; i >= 0; i-- {
		if u[i]++; u[i] != 0 {
			return u[:i+1]
		}
	}
	return nil
}

// fieldReader takes fields off a key or a value; the first failure sticks.
type fieldReader struct {
	b   []byte
	err error
}

func (f *fieldReader) take(n int) []byte {
	if f.err != nil || n < 0 || n > len(f.b) {
		f.err = errValue
		return make([]byte, max(0, min(n, 64)))
	}
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

func (f *fieldReader) u8() byte       { return f.take(1)[0] }
func (f *fieldReader) u32() uint32    { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fieldReader) u64() uint64    { return binary.BigEndian.Uint64(f.take(8)) }
func (f *fieldReader) ord() Ordinal   { return Ordinal(f.u32()) }
func (f *fieldReader) row() Row       { return Row(f.u32()) }
func (f *fieldReader) id() ID         { return ID(f.take(16)) }
func (f *fieldReader) hash() [32]byte { return [32]byte(f.take(32)) }
func (f *fieldReader) time() int64    { return int64(f.u64() ^ 1<<63) }

// str takes what key.str wrote.
func (f *fieldReader) str() string {
	var s []byte
	for f.err == nil {
		i := bytes.IndexByte(f.b, 0)
		if i < 0 || i+1 >= len(f.b) {
			f.err = errValue
			break
		}
		s = append(s, f.b[:i]...)
		end := f.b[i+1]
		f.b = f.b[i+2:]
		if end == 1 {
			return string(s)
		}
		s = append(s, 0)
	}
	return ""
}

// text takes a string with its length before it.
func (f *fieldReader) text() string {
	n := f.u32()
	if uint64(n) > uint64(len(f.b)) {
		f.err = errValue
		return ""
	}
	return string(f.take(int(n)))
}

// rest takes all that is left, copied.
func (f *fieldReader) rest() []byte {
	v := append([]byte(nil), f.b...)
	f.b = nil
	return v
}

// done returns the error of a value that should have been used up.
func (f *fieldReader) done(what string) error {
	if f.err == nil && len(f.b) > 0 {
		f.err = errValue
	}
	if f.err != nil {
		return fmt.Errorf("read %s: %w", what, f.err)
	}
	return nil
}

func (k key) text(s string) key { return k.u32(uint32(len(s))).raw(s) }
