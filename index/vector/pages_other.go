//go:build !linux

package vector

func largePages([]byte) {}
