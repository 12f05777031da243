package store

import (
	"os"
	"syscall"
)

// dataSync is what the log syncs with here.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// residentMB is the highest resident memory of a process that ended.
func residentMB(p *os.ProcessState) float64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return float64(u.Maxrss) / 1024
	}
	return 0
}
