package rpc

import (
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// Protocol is the version of the wire that this package speaks. Any server greets any client; what
// to do about another version is the caller's decision, from [Hello].
const Protocol = 1

// Info is what an owner says of itself.
type Info struct {
	Build  string    // version of the program
	Format int       // of the store
	Store  string    // its directory
	PID    int       // 0: of this process
	Since  time.Time // zero: now
}

// Hello is an owner's greeting: who it is, and who is with it.
type Hello struct {
	Protocol   int                 `json:"protocol"`
	Build      string              `json:"build"`
	Format     int                 `json:"format"`
	Store      string              `json:"store"`
	PID        int                 `json:"pid"`
	Since      time.Time           `json:"since"`
	Instance   string              `json:"instance"`    // random, of this run of the server
	MaxRequest int64               `json:"max_request"` // bytes of a request's body
	Clients    []memory.ClientInfo `json:"clients"`     // the longest there first
	Calls      int                 `json:"calls"`       // under way
}
