package foreign

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLeftovers removes what a killed import left, and neither what a living one uses nor what
// others made.
func TestLeftovers(t *testing.T) {
	temp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, temp)
	}
	living, err := MakePrivate()
	if err != nil {
		t.Fatal(err)
	}
	make := func(name string, files ...string) string {
		t.Helper()
		dir := filepath.Join(temp, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	gone := []string{make("memlog-import-1", privateLock, copyName, copyName+"-wal")}
	kept := []string{living.Path, make("memlog-import-2"), make("elsewhere", privateLock, copyName)}
	if link := filepath.Join(temp, "memlog-import-3"); os.Symlink(kept[2], link) == nil {
		kept = append(kept, link, filepath.Join(kept[2], copyName))
	}
	spooled := filepath.Join(temp, "memlog-links-1")
	if err := os.WriteFile(spooled, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gone = append(gone, spooled)
	if os.Geteuid() == 0 { // another user's
		theirs := make("memlog-import-4", privateLock, copyName)
		if err := os.Lchown(theirs, 12345, 12345); err == nil {
			kept = append(kept, theirs)
		}
	}
	next, err := MakePrivate()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range gone {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", path, err)
		}
	}
	for _, path := range kept {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("removed: %v", err)
		}
	}
	for _, p := range []*PrivateDir{living, next} {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(p.Path); !os.IsNotExist(err) {
			t.Errorf("closed, and %s is still there (%v)", p.Path, err)
		}
	}
}
