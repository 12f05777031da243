package store

import (
	"slices"
	"testing"
)

// A project goes by its directory and by the last part of that, on every platform.
func TestProjectNames(t *testing.T) {
	for near, want := range map[string]string{
		"/src/memlog": "memlog", "/src/memlog/": "memlog", `C:\src\memlog`: "memlog", "memlog": "memlog",
	} {
		if names := projectNames(near); !slices.Contains(names, want) || !slices.Contains(names, near) {
			t.Errorf("%q: names %q, want %q among them", near, names, want)
		}
	}
}
