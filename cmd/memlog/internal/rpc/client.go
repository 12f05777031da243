package rpc

import (
	"context"
	"errors"

	"memlog/cmd/memlog/internal/memory"
)

// ErrUnreachable is wrapped by every error of a connection that could not be made or broke, or an
// owner that is leaving: find or become the next owner and send the same request id again.
var ErrUnreachable = errors.New("owner is unreachable")

// ErrMaybeDone is wrapped by an error, besides others, after which the call may have been carried
// out all the same. Without it, it certainly was not.
var ErrMaybeDone = errors.New("the call may have been carried out")

// ClientOptions say who a client is, for the owner's list.
type ClientOptions struct {
	Name    string // as "claude-code" or "memlog add"
	Version string
	Session string
	Allow   func(Peer) error // whom to trust as owner; nil: SameUser
}

// Client is a [memory.Service] at the other end of a socket.
type Client struct{ memory.Service }

// Dial connects to the owner that listens at path, greets it, and stays on its list until Close.
func Dial(ctx context.Context, path string, o ClientOptions) (*Client, error) {
	return nil, errors.ErrUnsupported
}

// Hello asks the owner who it is and who is with it, now.
func (c *Client) Hello(ctx context.Context) (Hello, error) { return Hello{}, errors.ErrUnsupported }

// Done is closed when the owner has gone or the client was closed.
func (c *Client) Done() <-chan struct{} { return nil }

// Close leaves the owner; its store stays open.
func (c *Client) Close() error { return nil }
