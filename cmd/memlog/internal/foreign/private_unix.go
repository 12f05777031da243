//go:build unix

package foreign

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a file is of this process's user.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
