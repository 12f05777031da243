package metrics

import "runtime"

// held is what Go's runtime holds of the system's memory, for where the system is not asked.
func held() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
