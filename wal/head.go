package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// HEAD holds the last synced position twice, in slots that are written in turn.
const (
	headMagic = "mlh\x01"
	headSlot  = 64
	headSize  = 2 * headSlot
)

// headMark is what a slot of HEAD says: this record was synced, and it ends at this
// offset of this segment.
type headMark struct {
	Position
	segment Seq
	end     int64
}

func (h headMark) encode() []byte {
	b := make([]byte, headSlot)
	copy(b, headMagic)
	binary.LittleEndian.PutUint64(b[8:], uint64(h.Seq))
	copy(b[16:], h.Hash[:])
	binary.LittleEndian.PutUint64(b[48:], uint64(h.segment))
	binary.LittleEndian.PutUint64(b[56:], uint64(h.end))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}

func decodeHeadSlot(b []byte) (headMark, bool) {
	if string(b[:4]) != headMagic ||
		binary.LittleEndian.Uint32(b[4:]) != crc32.Checksum(b[8:headSlot], castagnoli) {
		return headMark{}, false
	}
	var h headMark
	h.Seq = Seq(binary.LittleEndian.Uint64(b[8:]))
	copy(h.Hash[:], b[16:])
	h.segment = Seq(binary.LittleEndian.Uint64(b[48:]))
	h.end = int64(binary.LittleEndian.Uint64(b[56:]))
	return h, true
}

// readHead returns the newer sound slot of HEAD. ok is false if there is none. damaged
// tells that the file is not as it was written.
func readHead(name string) (h headMark, slot int, ok, damaged bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return headMark{}, 0, false, false, nil
	}
	if err != nil {
		return headMark{}, 0, false, false, fmt.Errorf("read head: %w", err)
	}
	defer f.Close()
	b := make([]byte, headSize)
	if _, err := io.ReadFull(f, b); err != nil {
		damaged = true
	}
	for i := range 2 {
		part := b[i*headSlot : (i+1)*headSlot]
		m, sound := decodeHeadSlot(part)
		if !sound {
			damaged = damaged || !isZero(part)
			continue
		}
		if !ok || m.Seq > h.Seq {
			h, slot, ok = m, i, true
		}
	}
	return h, slot, ok, damaged || !ok, nil
}

// headFile is HEAD, open for writing.
type headFile struct {
	disk  *disk
	f     *os.File
	slot  int  // the slot to write next
	dirty bool // written since it was synced
}

// write says that the position is synced. HEAD itself is not synced: it may lag behind
// the log after a power cut, and can never lead.
func (h *headFile) write(m headMark) error {
	if _, err := h.disk.writeAt(h.f, m.encode(), int64(h.slot)*headSlot); err != nil {
		return err
	}
	h.slot, h.dirty = 1-h.slot, true
	return nil
}

func (h *headFile) sync() error {
	if !h.dirty {
		return nil
	}
	if err := h.disk.sync(h.f); err != nil {
		return err
	}
	h.dirty = false
	return nil
}
