package wal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Names in a store directory that belong to this package.
const (
	formatName     = "FORMAT"
	lockName       = "owner.lock"
	headName       = "HEAD"
	logDir         = "log"
	archiveDir     = "archive"
	quarantineDir  = "quarantine"
	ballastName    = "ballast"
	sealedName     = "sealed.jsonl"
	manifestName   = "MANIFEST.jsonl"
	manifestCopy   = "MANIFEST.2.jsonl"
	tmpSuffix      = ".tmp"
	archiveSuffix  = ".seg.zst"
	segmentNameLen = 20
)

// segmentName is the name of the file that begins with record first.
func segmentName(first Seq) string { return fmt.Sprintf("%020d", first) }

// parseSegmentName returns the number a segment is named by; 0: it is no segment's name.
func parseSegmentName(name string) Seq {
	if len(name) != segmentNameLen || strings.TrimLeft(name, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return 0
	}
	return Seq(n)
}

// misleads tells whether tidwall/wal would take a file of this name for a segment, or
// delete others because of it.
func misleads(name string) bool {
	if len(name) < segmentNameLen {
		return false
	}
	return strings.TrimLeft(name[:segmentNameLen], "0123456789") == "" &&
		(strings.HasSuffix(name, ".START") || strings.HasSuffix(name, ".END"))
}

// rel is a path as messages show it, relative to the store where it is in it.
func rel(dir, path string) string {
	if r, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(r, "..") {
		return filepath.ToSlash(r)
	}
	return path
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func segmentPath(dir string, first Seq) string {
	return filepath.Join(dir, logDir, segmentName(first))
}
