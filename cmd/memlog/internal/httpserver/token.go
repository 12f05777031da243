package httpserver

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

const (
	tokenBytes = 32 // of randomness in a token made here
	// MinToken and MaxToken bound a token, in characters.
	MinToken = 20
	MaxToken = 1024
)

// Token returns the token in the file at path, which is made, mode 0600, where there is none. Two
// processes that make it at the same time get the same one.
func Token(path string) (string, error) {
	token, err := readToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := makeToken(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the token file: %w", err)
	}
	return readToken(path)
}

// readToken reads a token and refuses one that others may know.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" && perm&0o077 != 0 {
		return "", badToken(path, "can be read by others (mode %04o)", perm).
			WithHint("chmod 600 %s; delete it instead if another may have read it: a new one is made", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxToken+2))
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < MinToken || len(token) > MaxToken || strings.ContainsFunc(token, notToken) {
		return "", badToken(path, "holds no token: one line of %d to %d letters, digits and signs",
			MinToken, MaxToken).WithHint("delete it: a new one is made")
	}
	return token, nil
}

func badToken(path, format string, args ...any) *memory.Error {
	return memory.Errorf(memory.CodeInvalid, "token file %s "+format, append([]any{path}, args...)...)
}

// notToken reports whether a character cannot stand in a header behind "Bearer".
func notToken(r rune) bool { return r <= ' ' || r > '~' }

// makeToken makes the file whole or not at all: a link does not replace what is there.
func makeToken(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	secret := make([]byte, tokenBytes)
	rand.Read(secret)                                           // never fails
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-token-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(secret) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
