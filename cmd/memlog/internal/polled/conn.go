package polled

import (
	"io"
	"net"
	"syscall"
)

// Conn returns c with reads and writes that go to the kernel directly, where that can be.
func Conn(c net.Conn) net.Conn {
	s, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	return &conn{c, direct(s, c)}
}

// conn is a connection with reads and writes of its own.
type conn struct {
	net.Conn
	rw io.ReadWriter
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) { return c.rw.Read(p) }

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (int, error) { return c.rw.Write(p) }
