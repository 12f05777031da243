package index

import (
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rogpeppe/go-internal/robustio"
)

// realFS is the operating system's file system, made to suit Windows.
func realFS() vfs.FS { return windowsFS{vfs.Default} }

// windowsFS differs from the default in two ways. What a virus scanner or an indexer holds for a
// moment is tried again for about two seconds. And there are no hard links: a file of several names
// cannot be removed under one of them while it is open under another, as the files of a snapshot
// would be for as long as the index has them open, so a snapshot is a copy.
type windowsFS struct{ vfs.FS }

var errNoLinks = errors.New("hard links are not used on windows")

// Link implements vfs.FS; pebble copies instead.
func (windowsFS) Link(from, to string) error {
	return &os.LinkError{Op: "link", Old: from, New: to, Err: errNoLinks}
}

// Rename implements vfs.FS.
func (windowsFS) Rename(from, to string) error { return robustio.Rename(from, to) }

// Remove implements vfs.FS.
func (f windowsFS) Remove(name string) error {
	if info, err := os.Lstat(name); err != nil || info.IsDir() {
		return f.FS.Remove(name)
	}
	return robustio.RemoveAll(name)
}

// RemoveAll implements vfs.FS.
func (windowsFS) RemoveAll(name string) error { return robustio.RemoveAll(name) }

// Unwrap implements vfs.FS.
func (f windowsFS) Unwrap() vfs.FS { return f.FS }
