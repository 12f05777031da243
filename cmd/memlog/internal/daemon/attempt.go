package daemon

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// newID makes a UUIDv7 (RFC 9562 §5.7): milliseconds since 1970, then chance. It names an attempt
// at a command, or a group.
func newID() string {
	var id memory.ID
	_, _ = rand.Read(id[:]) // never fails
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// named gives an attempt at a command its name, where the caller gave none: sent again, it is
// answered with what came of it the first time.
func named(o memory.Origin) memory.Origin {
	if o.RequestID == "" {
		o.RequestID = newID()
	}
	return o
}
