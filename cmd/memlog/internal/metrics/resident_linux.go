package metrics

import (
	"bytes"
	"os"
	"strconv"
)

// Resident returns how many bytes of memory this process has resident.
func Resident() int64 {
	b, err := os.ReadFile("/proc/self/statm") // proc_pid_statm(5): pages, the second is resident
	if f := bytes.Fields(b); err == nil && len(f) > 1 {
		if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
			return n * int64(os.Getpagesize())
		}
	}
	return held()
}
