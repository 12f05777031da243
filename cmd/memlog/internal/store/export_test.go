package store

import "time"

// SaveEvery has a store write its counters down that often.
func SaveEvery(o Options, d time.Duration) Options {
	o.saveEvery = d
	return o
}
