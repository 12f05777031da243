package vector

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// largePages asks that memory be mapped in large pages where it is touched for the first time: each
// page that is touched costs a fault, in a virtual machine some microseconds. A system that has no
// large pages refuses, and maps it as ever.
func largePages(b []byte) {
	page := uintptr(os.Getpagesize())
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (page - 1))
	if whole := (len(b) - skip) / int(page) * int(page); whole > 0 {
		_ = unix.Madvise(b[skip:][:whole], unix.MADV_HUGEPAGE)
	}
}
