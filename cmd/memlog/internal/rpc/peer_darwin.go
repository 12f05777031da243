package rpc

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf reads LOCAL_PEERCRED and LOCAL_PEERPID (sys/un.h).
func peerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	var got error
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Xucred
		cred, got = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		if got == nil {
			p = Peer{UID: int(cred.Uid), Known: true}
			p.PID, got = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		}
	})
	if err != nil {
		return Peer{}, err
	}
	return p, got
}
