package wal

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// archivedOutside makes a store of n records with all but the last archived outside of it.
func archivedOutside(t *testing.T, n int) (dir string, want []string) {
	t.Helper()
	dir = buildLog(t, n, 400)
	l := mustOpen(t, dir, Options{SegmentSize: 400, disk: quickDisk()})
	defer l.Close()
	want = texts(t, l, 0, 0)
	r, err := Archive(context.Background(), l, ArchiveOptions{To: quickDir(t)})
	if err != nil || len(r.Segments) < 2 {
		t.Fatalf("archive: got %+v, %v", r, err)
	}
	return dir, want
}

// TestManifestDamaged flips every byte of the manifest, then of its copy, and cuts, empties and
// removes each: all records are served, and repair makes both as they were, without loss.
func TestManifestDamaged(t *testing.T) {
	dir, want := archivedOutside(t, 12)
	paths := manifestPaths(dir)
	whole := readFile(t, paths[0])
	if diff := cmp.Diff(string(readFile(t, paths[1])), string(whole)); diff != "" {
		t.Fatalf("copy of the manifest (got, want):\n%s", diff)
	}
	entries, _, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for at := range whole {
			b := append([]byte(nil), whole...)
			b[at] ^= 1 << (at % 8)
			writeFile(t, path, b)
			got, bad, err := readManifest(dir)
			if diff := cmp.Diff(got, entries); diff != "" || bad == 0 || err != nil {
				t.Fatalf("byte %d of %s: %d bad, %v (got, want):\n%s", at, path, bad, err, diff)
			}
			if at%37 == 0 {
				wantManifestHealed(t, dir, whole, want)
			}
			writeFile(t, path, whole)
		}
		writeFile(t, path, whole[:len(whole)/2])
		wantManifestHealed(t, dir, whole, want)
	}
	writeFile(t, paths[0], nil)
	wantManifestHealed(t, dir, whole, want)
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	wantManifestHealed(t, dir, whole, want)
}

// wantManifestHealed looks at the store, reads all of it, and repairs it.
func wantManifestHealed(t *testing.T, dir string, whole []byte, want []string) {
	t.Helper()
	rep := mustVerify(t, dir)
	if !rep.OK() || len(rep.Notes) == 0 || rep.Records != uint64(len(want)) {
		t.Fatalf("verify: got %+v, want a note and %d records", rep, len(want))
	}
	l := mustOpen(t, dir, Options{disk: quickDisk(), ReadOnly: true})
	if diff := cmp.Diff(texts(t, l, 0, 0), want); diff != "" {
		t.Fatalf("records (got, want):\n%s", diff)
	}
	l.Close()
	r, err := Repair(context.Background(), dir, RepairOptions{AcceptLoss: true, disk: quickDisk()})
	if err != nil || len(r.Lost) > 0 || len(r.Quarantine) > 0 {
		t.Fatalf("repair: got %+v, %v", r, err)
	}
	for _, path := range manifestPaths(dir) {
		if diff := cmp.Diff(string(readFile(t, path)), string(whole)); diff != "" {
			t.Fatalf("%s after repair (got, want):\n%s", filepath.Base(path), diff)
		}
	}
}
