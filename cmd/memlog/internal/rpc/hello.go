package rpc

import "time"

// Protocol is the version of the wire that this package speaks. A server serves one client of its
// own version; what to do about another is the caller's decision, from [Hello].
const Protocol = 1

// Info is what an owner says of itself.
type Info struct {
	Build  string    `json:"build"`  // version of the program
	Format int       `json:"format"` // of the store
	Store  string    `json:"store"`  // its directory
	PID    int       `json:"pid"`
	Since  time.Time `json:"since"`
}

// Hello is an owner's greeting: who it is, and who is with it.
type Hello struct {
	Protocol   int          `json:"protocol"`
	Instance   string       `json:"instance"`    // random, of this run of the server
	MaxRequest int64        `json:"max_request"` // bytes of a request body
	Info       Info         `json:"info"`
	Clients    []ClientInfo `json:"clients"`
	Calls      int          `json:"calls"` // under way
}

// ClientInfo is a connected client as it names itself.
type ClientInfo struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Session string    `json:"session"`
	PID     int       `json:"pid"` // the kernel's word where it gives one, else the client's
	Since   time.Time `json:"since"`
}
