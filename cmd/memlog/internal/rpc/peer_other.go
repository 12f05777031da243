//go:build !linux && !darwin

package rpc

import "net"

// peerOf knows nothing here.
func peerOf(*net.UnixConn) (Peer, error) { return Peer{}, nil }
