package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// mostGarbage is how much garbage a process may have that holds much. Most of that are codes of
// vectors, in which a collection has nothing to look for: it costs little, whatever their size.
const mostGarbage = 24 << 20

// liveBytes is what the last collection left, by its name in package metrics.
const liveBytes = "/gc/heap/live:bytes"

// cycle is collected in each collection that comes after it was made.
type cycle struct{ sample []metrics.Sample }

// tidy has this process collect its garbage once there is mostGarbage of it, or as much as there is
// in use, which is usual, where that is less. After each collection it looks at what that left.
func tidy() {
	c := &cycle{[]metrics.Sample{{Name: liveBytes}}}
	runtime.SetFinalizer(c, (*cycle).end)
}

func (c *cycle) end() {
	metrics.Read(c.sample)
	if live := c.sample[0].Value; live.Kind() == metrics.KindUint64 {
		debug.SetGCPercent(garbagePercent(live.Uint64()))
	}
	runtime.SetFinalizer(c, (*cycle).end)
}

// garbagePercent is how much garbage there may be, in percent of what is in use.
func garbagePercent(live uint64) int {
	return int(min(100, max(5, mostGarbage*100/max(live, 1))))
}
