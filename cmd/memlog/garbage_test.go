package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// A process that holds much leaves little garbage, and as much as is usual when it holds little
// again.
func TestMuchIsKeptTidy(t *testing.T) {
	tidy()
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	const tries = 1000 // the percentage is set on another goroutine
	for range tries {
		if percent() == 100 {
			break
		}
		runtime.GC()
	}
	much := make([]byte, 8*mostGarbage)
	for range tries {
		if percent() <= 100/8 {
			break
		}
		runtime.GC()
	}
	if p := percent(); p > 100/8 || p < 5 {
		t.Errorf("of %d bytes in use %d %% may be garbage", len(much), p)
	}
	runtime.KeepAlive(much)
	much = nil
	for range tries {
		if percent() == 100 {
			return
		}
		runtime.GC()
	}
	t.Errorf("with little in use %d %% may be garbage", percent())
}
