//go:build !linux

package wal

import "os"

// syncFile makes the file durable; on macOS Sync is F_FULLFSYNC.
func syncFile(f *os.File) error { return f.Sync() }
