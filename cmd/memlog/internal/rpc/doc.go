// Package rpc carries [memory.Service] over a Unix socket: HTTP/1.1 and JSON.
package rpc
