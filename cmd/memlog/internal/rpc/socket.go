package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/cmd/memlog/internal/memory"
)

// The longest socket path a platform takes, in bytes, without its closing NUL.
const (
	MaxPathLinux = 107
	MaxPathOther = 103 // macOS and the BSDs; Windows takes more, and is held to the same
)

// maxPath returns the limit of this platform.
func maxPath() int {
	if runtime.GOOS == "linux" {
		return MaxPathLinux
	}
	return MaxPathOther
}

// nameBytes is how much of the store path's SHA-256 names its socket: 16 hex digits.
const nameBytes = 8

// tempSuffix is the longest that [Listen] adds to a path for its temporary name.
const tempSuffix = ".4294967295"

// SocketPath returns where the owner of a store listens: memlog/<hash of the store's path>.sock in
// $XDG_RUNTIME_DIR, else, where that is not set, not there or too long for a socket, in a directory
// memlog-<uid> of the temporary directory. It makes the directory with mode 0700, and refuses one
// that is a symbolic link, another user's or open to others. The store is named by its absolute
// path without symbolic links, so that every process finds the same socket; where the store does
// not exist yet, those of the part that exists.
func SocketPath(storeDir string) (string, error) {
	real, err := resolve(storeDir)
	if err != nil {
		return "", fmt.Errorf("socket of store %s: %w", storeDir, err)
	}
	sum := sha256.Sum256([]byte(real))
	name := hex.EncodeToString(sum[:nameBytes]) + ".sock"
	dir, err := socketDir(len(name))
	if err != nil {
		return "", fmt.Errorf("socket of store %s: %w", storeDir, err)
	}
	path := filepath.Join(dir, name)
	return path, checkLength(path)
}

// resolve returns an absolute path without symbolic links; what does not exist stands as it is.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil {
		return real, nil
	}
	parent := filepath.Dir(abs)
	if !errors.Is(err, fs.ErrNotExist) || parent == abs {
		return "", err
	}
	if real, err = resolve(parent); err != nil {
		return "", err
	}
	return filepath.Join(real, filepath.Base(abs)), nil
}

// socketDir makes and checks the directory of the user's sockets, whose names have so many bytes.
func socketDir(name int) (string, error) {
	dir := "memlog"
	if uid := os.Getuid(); uid >= 0 { // Windows has none, and a directory for each user
		dir += "-" + strconv.Itoa(uid)
	}
	dir = filepath.Join(os.TempDir(), dir)
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		in := filepath.Join(run, "memlog")
		_, err := os.Stat(run)
		if !errors.Is(err, fs.ErrNotExist) && len(in)+1+name+len(tempSuffix) <= maxPath() {
			dir = in
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no directory (a symbolic link is not taken for one)", dir)
	}
	return dir, checkPrivate(dir, info)
}

// checkLength refuses a path that the platform would refuse with "invalid argument".
func checkLength(path string) error {
	if n := len(path) + len(tempSuffix); n > maxPath() {
		return memory.Errorf(memory.CodeInvalid, "socket path %s is %d bytes too long for %s", path,
			n-maxPath(), runtime.GOOS).
			WithHint("set XDG_RUNTIME_DIR or TMPDIR to a shorter directory")
	}
	return nil
}

// Listen listens on a socket at path, mode 0600. It binds under a temporary name and renames it
// into place: nobody sees a socket that is bound and not listening yet, and a stale one of a dead
// owner is replaced. The caller holds the store's lock, so that no living owner's is. Closing the
// listener leaves the file, which may by then be a later owner's; dialing a stale one fails at
// once.
func Listen(path string) (net.Listener, error) {
	if err := checkLength(path); err != nil {
		return nil, err
	}
	temp := path + "." + strconv.Itoa(os.Getpid())
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(temp, 0o600)
	if err == nil {
		err = robustio.Rename(temp, path)
	}
	if err != nil {
		err = fmt.Errorf("listen on %s: %w", path, err)
		return nil, errors.Join(err, l.Close(), os.Remove(temp))
	}
	return l, nil
}
