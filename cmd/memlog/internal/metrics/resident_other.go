//go:build !linux

package metrics

// Resident returns how many bytes of memory this process has resident, as Go's runtime sees it.
func Resident() int64 { return held() }
