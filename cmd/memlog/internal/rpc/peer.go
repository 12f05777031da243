package rpc

import (
	"fmt"
	"net"
	"os"
)

// Peer is the process at the other end of a connection, as the kernel says. Known is false where
// the platform does not tell (Windows).
type Peer struct {
	UID   int
	PID   int // 0: not told
	Known bool
}

// SameUser accepts a peer of this process's user, and root. It is the check of servers and clients
// that are given none. Where the platform tells nothing, the directory's mode is the protection.
func SameUser(p Peer) error {
	if p.Known && p.UID != os.Getuid() && p.UID != 0 {
		return fmt.Errorf("peer is user %d, not %d", p.UID, os.Getuid())
	}
	return nil
}

// checkPeer asks the kernel who is at the other end, and allow whether that is right.
func checkPeer(c net.Conn, allow func(Peer) error) (Peer, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return Peer{}, fmt.Errorf("connection of kind %T is no Unix socket", c)
	}
	p, err := peerOf(u)
	if err != nil {
		return Peer{}, fmt.Errorf("read peer credentials: %w", err)
	}
	return p, allow(p)
}
