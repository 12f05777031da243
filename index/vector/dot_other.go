//go:build !amd64 && !arm64

package vector

func dot(a []int16, b []byte) int32 { return dotGo(a, b) }
