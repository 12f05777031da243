//go:build !linux

package store

import "os"

// dataSync is what the log syncs with here.
func dataSync(f *os.File) error { return f.Sync() }

// residentMB is the highest resident memory of a process that ended; not measured here.
func residentMB(*os.ProcessState) float64 { return 0 }
