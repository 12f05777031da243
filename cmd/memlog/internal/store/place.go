package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// places are names of which a store has at least one, whatever it lost. Those below a directory
// tell a store's from the log or the index of something else.
var places = []string{"FORMAT", "log/sealed.jsonl", "log/" + segmentGlob, "index/CURRENT",
	"index/g[0-9]" + fiveDigits, "archive/MANIFEST.jsonl", "snapshots/*", "quarantine/*"}

// headBytes is the size of a HEAD; git has a file of that name too.
const headBytes = 128

// segmentGlob is the name of a segment: 20 digits.
const segmentGlob = fiveDigits + fiveDigits + fiveDigits + fiveDigits

const fiveDigits = "[0-9][0-9][0-9][0-9][0-9]"

// litter are names that systems and programs that were cut off leave in an empty directory.
var litter = []string{"lost+found", ".DS_Store", ".localized", ".fseventsd", ".Spotlight-V100",
	".Trashes", ".Trash-*", ".nfs*", "desktop.ini", "Thumbs.db", "*.tmp", ".tmp-*", ".*.tmp-*",
	"owner.*", "serve.log*", "http.token", "metrics.json*", "models.json*", "ballast", "log", "index",
	"archive", "snapshots", "quarantine", "spool"}

// checkLink refuses a store behind a link that leads nowhere.
func checkLink(dir string) error {
	to, err := os.Readlink(dir)
	if err != nil {
		return nil // it is no link
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return memory.Errorf(memory.CodeInvalid, "store %s is a link to %s, which is not there", dir, to).
		WithHint("make that directory, or bring its disk back, or name another place")
}

// CheckPlace refuses to make a store where it would lie among other things. A store that is there,
// however damaged, an empty directory and none at all are fine.
func CheckPlace(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // it is none, or none that can be looked into: opening it says why
	}
	if head, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil && head.Size() == headBytes {
		return nil
	}
	for _, p := range places {
		if found, err := filepath.Glob(filepath.Join(globSafe(dir), filepath.FromSlash(p))); err != nil {
			return err
		} else if len(found) > 0 {
			return nil
		}
	}
	for _, e := range entries {
		if !isLitter(dir, e) {
			return memory.Errorf(memory.CodeInvalid, "directory %s is no store, and not empty: it holds "+
				"%s", dir, e.Name()).WithHint("choose an empty directory, or one that is not there yet")
		}
	}
	return nil
}

// globSafe takes the meaning of a pattern from a path.
func globSafe(path string) string {
	if filepath.Separator == '\\' { // there is no way to there; such names are rare
		return path
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// isLitter reports whether an entry counts as nothing. Directories of a store do while they are
// empty: making it was cut off.
func isLitter(dir string, e fs.DirEntry) bool {
	if !slices.ContainsFunc(litter, func(p string) bool {
		ok, err := filepath.Match(p, e.Name())
		return ok && err == nil
	}) {
		return false
	}
	switch e.Name() {
	case "log", "index", "archive", "snapshots", "quarantine":
		inside, err := os.ReadDir(filepath.Join(dir, e.Name()))
		return err == nil && len(inside) == 0
	}
	return true
}
