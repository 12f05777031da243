package event

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestFormatDocument holds FORMAT.md against the code.
func TestFormatDocument(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for k := range bodies {
		skip := "no"
		if ignorable(k) {
			skip = "yes"
		}
		if row := fmt.Sprintf("| `%s` | %s |", k, skip); !strings.Contains(string(doc), row) {
			t.Errorf("FORMAT.md has no row %q", row)
		}
	}
	for _, want := range []string{
		fmt.Sprintf("%d bytes (`MaxEvent`)", MaxEvent),
		fmt.Sprintf("bytes(%d) | fingerprint", RequestHashSize),
	} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("FORMAT.md does not say %q", want)
		}
	}
}
