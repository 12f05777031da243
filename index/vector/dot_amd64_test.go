package vector

import "testing"

// What a processor without 512 bits does, done on one that has them.
func TestDotsOfNarrowRegistersAreEqual(t *testing.T) {
	was := has512
	defer func() { has512 = was }()
	has512 = false
	TestDotsAreEqual(t)
}
