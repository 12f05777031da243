package index

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Digest returns a hash over all keys and values of the index, whatever the view's moment: equal
// for the same log, however the index came to be. It hashes in a goroutine of its own and joins it.
func (v *View) Digest() ([32]byte, error) {
	h := hashing{blocks: make(chan []byte, hashBlocks), spare: make(chan []byte, hashBlocks)}
	for range hashBlocks {
		h.spare <- make([]byte, 0, hashBlock)
	}
	h.wg.Go(h.run)
	b := <-h.spare
	err := v.src.scanRange([]byte{0}, nil, func(k, val []byte) (bool, error) {
		if len(b) >= hashBlock {
			h.blocks <- b
			b = <-h.spare
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(k)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(val)))
		b = append(append(b, k...), val...)
		return true, nil
	})
	h.blocks <- b
	close(h.blocks)
	h.wg.Wait()
	return h.sum, err
}

// What is hashed while the next is read: so many blocks, of so many bytes and one value more.
const (
	hashBlocks = 4
	hashBlock  = 64 << 10
)

// hashing hashes blocks beside the one who fills them.
type hashing struct {
	blocks, spare chan []byte
	wg            sync.WaitGroup
	sum           [32]byte // once wg is done
}

func (h *hashing) run() {
	all := sha256.New()
	for b := range h.blocks {
		all.Write(b)
		h.spare <- b[:0]
	}
	h.sum = [32]byte(all.Sum(nil))
}
