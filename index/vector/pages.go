package vector

import "unsafe"

// bytesOf is the memory of a slice.
func bytesOf[T any](all []T) []byte {
	if len(all) == 0 {
		return nil
	}
	first := unsafe.SliceData(all)
	return unsafe.Slice((*byte)(unsafe.Pointer(first)), len(all)*int(unsafe.Sizeof(*first)))
}
