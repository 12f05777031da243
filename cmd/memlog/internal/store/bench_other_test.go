//go:build !linux

package store

import "os"

// dataSync is what the log syncs with here.
func dataSync(f *os.File) error { return f.Sync() }
