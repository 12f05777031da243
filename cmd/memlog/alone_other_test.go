//go:build !linux || !(amd64 || arm64)

package main

// alone is for Linux.
func alone() int { return exitFailed }
