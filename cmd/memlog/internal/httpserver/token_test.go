package httpserver

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

func TestTokenIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "http.token")
	var all sync.Map
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			token, err := Token(path)
			if err != nil {
				t.Error(err)
			}
			all.Store(token, true)
		})
	}
	wg.Wait()
	n := 0
	all.Range(func(token, _ any) bool {
		n++
		if len(token.(string)) != 43 {
			t.Errorf("token has %d characters", len(token.(string)))
		}
		return true
	})
	if n != 1 {
		t.Errorf("%d tokens were made", n)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	other, err := Token(filepath.Join(t.TempDir(), "http.token"))
	if err != nil {
		t.Fatal(err)
	}
	if _, same := all.Load(other); same {
		t.Error("two stores have one token")
	}
}

func TestTokenFileIsChecked(t *testing.T) {
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"own", "my-own-token-which-is-long\n", 0o600, ""},
		{"open to the group", "my-own-token-which-is-long\n", 0o640, "can be read by others"},
		{"open to all", "my-own-token-which-is-long\n", 0o604, "can be read by others"},
		{"empty", "", 0o600, "holds no token"},
		{"short", "secret\n", 0o600, "holds no token"},
		{"two lines", "my-own-token-which-is-long\nand another\n", 0o600, "holds no token"},
		{"no ASCII", "my-own-tökén-which-is-long\n", 0o600, "holds no token"},
		{"long", strings.Repeat("x", MaxToken+1), 0o600, "holds no token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.mode != 0o600 {
				t.Skip("modes mean nothing here")
			}
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			token, err := Token(path)
			switch {
			case c.want == "" && (err != nil || token != strings.TrimSpace(c.text)):
				t.Errorf("got %q, %v", token, err)
			case c.want != "" && (memory.CodeOf(err) != memory.CodeInvalid ||
				!strings.Contains(err.Error(), c.want)):
				t.Errorf("got %q, %v, want %q", token, err, c.want)
			}
		})
	}
}
