//go:build !linux

package bench

import "os"

// syncData makes the file durable, as the log does.
func syncData(f *os.File) error { return f.Sync() }
