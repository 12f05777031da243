package wal

import (
	"os"
	"path/filepath"
	"slices"
)

// manifestPaths are the manifest and its copy. A line is the only thing that knows of a segment
// archived outside of the store, so there are two of each.
func manifestPaths(dir string) [2]string {
	return [2]string{filepath.Join(dir, archiveDir, manifestName),
		filepath.Join(dir, archiveDir, manifestCopy)}
}

// readManifest reads the manifest, and from its copy what it lacks. Paths are made absolute; of
// several lines for the same first record the last counts. bad counts the lines that either of the
// two has damaged or lacks, which writeManifest mends.
func readManifest(dir string) (entries []ArchiveEntry, bad int, err error) {
	paths := manifestPaths(dir)
	lines, bad, err := readEntries(dir, paths[0])
	if err != nil {
		return nil, 0, err
	}
	others, badOthers, err := readEntries(dir, paths[1])
	if err != nil {
		return nil, 0, err
	}
	if len(lines) == 0 && len(others) > 0 && !exists(paths[0]) {
		bad++
	}
	if bad > 0 && badOthers == 0 && len(others) > 0 {
		lines, others = others, lines // a damaged line may have been a later one for the same record
	}
	known := func(e ArchiveEntry) bool {
		return slices.ContainsFunc(lines, func(l ArchiveEntry) bool { return l.First == e.First })
	}
	for _, e := range others {
		// A crash leaves a line in the copy alone before its file counts, or after it went.
		if !known(e) && (bad > 0 || e.isThere()) {
			lines = append(lines, e)
			bad++
		}
	}
	return lines, bad + badOthers, nil
}

// isThere tells whether the file of an entry has the size that the entry says.
func (e *ArchiveEntry) isThere() bool {
	info, err := os.Stat(e.Path)
	return err == nil && info.Size() == e.StoredBytes
}

func readEntries(dir, path string) (entries []ArchiveEntry, bad int, err error) {
	all, bad, err := readLines[ArchiveEntry](path)
	if err != nil {
		return nil, 0, err
	}
	at := map[Seq]int{}
	for _, e := range all {
		if !filepath.IsAbs(e.Path) {
			e.Path = filepath.Join(dir, archiveDir, e.Path)
		}
		if i, ok := at[e.First]; ok {
			entries[i] = e
			continue
		}
		at[e.First] = len(entries)
		entries = append(entries, e)
	}
	return entries, bad, nil
}

// addToManifest adds a durable line, to the copy first: what the manifest has counts.
func addToManifest(d *disk, dir string, e ArchiveEntry) error {
	paths := manifestPaths(dir)
	if err := mkdirSync(d, filepath.Dir(paths[0])); err != nil {
		return err
	}
	if err := copyManifest(d, dir); err != nil {
		return err
	}
	e.Path = pathInManifest(dir, e.Path)
	if err := d.appendLine(paths[1], e); err != nil {
		return err
	}
	return d.appendLine(paths[0], e)
}

// copyManifest makes the copy where there is none.
func copyManifest(d *disk, dir string) error {
	paths := manifestPaths(dir)
	if exists(paths[1]) || !exists(paths[0]) {
		return nil
	}
	lines, _, err := readEntries(dir, paths[0])
	if err != nil {
		return err
	}
	for i := range lines {
		lines[i].Path = pathInManifest(dir, lines[i].Path)
	}
	return writeLines(d, paths[1], lines)
}

// pathInManifest is a path as the manifest has it: relative to archive/ where it is in it.
func pathInManifest(dir, path string) string {
	r, err := filepath.Rel(filepath.Join(dir, archiveDir), path)
	if err != nil || !filepath.IsLocal(r) {
		return path
	}
	return r
}

// writeManifest makes the manifest say what the given, verified, files hold.
func writeManifest(d *disk, dir string, files []*segFile) error {
	var lines []ArchiveEntry
	for _, f := range files {
		var e ArchiveEntry
		switch {
		case f.entry != nil:
			e = *f.entry
		case f.walked && len(f.gaps) == 0 && len(f.extents) == 1:
			line := f.toLine()
			e = line.entry()
			e.Path, e.StoredSHA256 = f.path, f.stored
			if info, err := os.Stat(f.path); err == nil {
				e.StoredBytes = info.Size()
			}
		default:
			continue
		}
		e.Path = pathInManifest(dir, e.Path)
		lines = append(lines, e)
	}
	// First the one that is believed: a crash between the two leaves lines too many in the other,
	// of files that are gone.
	for _, path := range manifestPaths(dir) {
		if err := writeLines(d, path, lines); err != nil {
			return err
		}
	}
	return nil
}
