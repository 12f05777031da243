//go:build !windows

package index

import "github.com/cockroachdb/pebble/v2/vfs"

// realFS is the operating system's file system.
func realFS() vfs.FS { return vfs.Default }
