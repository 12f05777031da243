package wal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame is a record's bytes on disk; FORMAT.md has the picture.
const (
	magic       = "mlr\x01"
	frameFixed  = 20 // bytes before the header
	saltSize    = 16
	minFrame    = frameFixed + 40 // no frame with seq, epoch, previous hash and time is smaller
	flagPurged  = 1 << 0          // an event was destroyed
	flagLost    = 1 << 1          // put by repair in the place of a lost record
	flagsKnown  = flagPurged | flagLost
	prefixLimit = 4 // bytes of the longest length prefix, that of MaxRecord
)

// castagnoli is the polynomial of every CRC in the store.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Why bytes are no frame.
var (
	errShort    = errors.New("frame ends early")
	errMagic    = errors.New("no frame begins here")
	errVersion  = errors.New("frame version is not known")
	errLength   = errors.New("frame lengths are not possible")
	errChecksum = errors.New("checksum does not match")
	errContent  = errors.New("frame content is not valid")
)

// frame is one decoded frame.
type frame struct {
	flags  byte
	header header
	raw    []byte // the header's bytes
	body   []byte
	record Record
}

// frameSize reads the size of the frame that begins at b, which holds at least frameFixed
// bytes; ok is false where no frame can begin.
func frameSize(b []byte) (int64, error) {
	if string(b[:3]) != magic[:3] {
		return 0, errMagic
	}
	if b[3] != magic[3] {
		return 0, fmt.Errorf("%w: %d", errVersion, b[3])
	}
	h := int64(binary.LittleEndian.Uint32(b[12:]))
	n := frameFixed + h + int64(binary.LittleEndian.Uint32(b[16:]))
	if h > MaxHeader || n > MaxRecord || n < minFrame {
		return 0, errLength
	}
	return n, nil
}

// decodeFrame checks and decodes b, which holds exactly one frame without its length
// prefix. The record's events point into b.
func decodeFrame(b []byte) (frame, error) {
	if len(b) < frameFixed {
		return frame{}, errShort
	}
	n, err := frameSize(b)
	if err != nil {
		return frame{}, err
	}
	if int64(len(b)) != n {
		return frame{}, errShort
	}
	if crc32.Checksum(b[8:], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return frame{}, errChecksum
	}
	h := binary.LittleEndian.Uint32(b[12:])
	f := frame{flags: b[8], raw: b[frameFixed : frameFixed+h], body: b[frameFixed+h:]}
	if f.flags&^flagsKnown != 0 || b[9]|b[10]|b[11] != 0 {
		return frame{}, fmt.Errorf("%w: unknown flags %x", errContent, b[8:12])
	}
	if f.header, err = decodeHeader(f.raw); err != nil {
		return frame{}, fmt.Errorf("%w: header: %w", errContent, err)
	}
	f.record = f.header.record(f.raw)
	if f.record.Lost != (f.flags&flagLost != 0) {
		return frame{}, fmt.Errorf("%w: lost flag and header differ", errContent)
	}
	return f, f.decodeBody()
}

// decodeBody splits the body into events and holds each against its digest.
func (f *frame) decodeBody() error {
	if len(f.header.digests) > 0 {
		f.record.Events = make([][]byte, len(f.header.digests))
	}
	rest, destroyed := f.body, false
	for i, digest := range f.header.digests {
		n, size := binary.Uvarint(rest)
		if size <= 0 || size != uvarintSize(n) {
			return fmt.Errorf("%w: length of event %d", errContent, i)
		}
		rest = rest[size:]
		if n == 0 {
			destroyed = true
			continue
		}
		if uint64(len(rest)) < saltSize || n > uint64(len(rest)-saltSize) {
			return fmt.Errorf("%w: event %d ends early", errContent, i)
		}
		salted := rest[:saltSize+n]
		if Hash(sha256.Sum256(salted)) != digest {
			return fmt.Errorf("%w: event %d does not match its digest", errContent, i)
		}
		f.record.Events[i] = salted[saltSize:len(salted):len(salted)]
		rest = rest[len(salted):]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes left over", errContent, len(rest))
	}
	if destroyed != (f.flags&flagPurged != 0) {
		return fmt.Errorf("%w: purged flag and body differ", errContent)
	}
	return nil
}

// appendFrame appends a frame with its length prefix, as tidwall/wal writes it.
func appendFrame(dst []byte, flags byte, raw, body []byte) []byte {
	n := frameFixed + len(raw) + len(body)
	dst = binary.AppendUvarint(dst, uint64(n))
	at := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, 0, 0, 0, 0, flags, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(raw)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(append(dst, raw...), body...)
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+8:], castagnoli))
	return dst
}

// sealEvents appends the body for the events and returns their digests. salt fills its
// argument with random bytes.
func sealEvents(events [][]byte, salt func([]byte)) (body []byte, digests []Hash) {
	if len(events) == 0 {
		return nil, nil
	}
	size := 0
	for _, e := range events {
		size += prefixLimit + saltSize + len(e)
	}
	body, digests = make([]byte, 0, size), make([]Hash, len(events))
	for i, e := range events {
		body = binary.AppendUvarint(body, uint64(len(e)))
		at := len(body)
		body = append(body, make([]byte, saltSize)...)
		salt(body[at:])
		body = append(body, e...)
		digests[i] = sha256.Sum256(body[at:])
	}
	return body, digests
}

// destroyEvent returns the frame (with its length prefix) without the bytes and the salt
// of one event. Header, digest and chain stay as they are.
func destroyEvent(b []byte, event int) ([]byte, error) {
	_, size := binary.Uvarint(b)
	f, err := decodeFrame(b[max(size, 0):])
	if err != nil {
		return nil, fmt.Errorf("destroy event %d: %w", event, err)
	}
	if event < 0 || event >= len(f.header.digests) {
		return nil, fmt.Errorf("destroy event %d: %w", event, ErrNotFound)
	}
	var body []byte
	rest := f.body
	for i := range f.header.digests {
		n, size := binary.Uvarint(rest)
		end := uint64(size) + n
		if n > 0 {
			end += saltSize
		}
		if i == event {
			body = append(body, 0)
		} else {
			body = append(body, rest[:end]...)
		}
		rest = rest[end:]
	}
	return appendFrame(nil, f.flags|flagPurged, f.raw, body), nil
}

func uvarintSize(n uint64) int {
	size := 1
	for n >= 0x80 {
		n >>= 7
		size++
	}
	return size
}

// isZero tells whether b has only zero bytes.
func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
