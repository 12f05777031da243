package recovery

import (
	"fmt"
	"os"
	"path/filepath"

	"memlog/projection"
)

// stampName is a file in every generation and snapshot that names the version of the projection
// that made it. The index itself knows no projection, only its own key space and text analysis.
const stampName = "PROJECTION"

func stampText() string { return fmt.Sprintf("projection %d\n", projection.Version) }

func stamp(dir string) error {
	if err := writeFile(filepath.Join(dir, stampName), []byte(stampText())); err != nil {
		return fmt.Errorf("note the version of the projection: %w", err)
	}
	return nil
}

func isStamped(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, stampName))
	return err == nil && string(b) == stampText()
}
