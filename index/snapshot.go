package index

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A snapshot is a directory: data/ is a pebble checkpoint (hard links where the file system has
// realFS makes them), manifestFile describes it and ends with its own checksum.
const (
	manifestFile = "SNAPSHOT.json"
	dataDir      = "data"

	// LockFile is made by pebble where it opens a database; it is no part of a snapshot.
	LockFile = "LOCK"
)

// Manifest describes a snapshot.
type Manifest struct {
	Schema     string
	Checkpoint Checkpoint
	Files      []ManifestFile // sorted by name
}

// Bytes returns the size of all files.
func (m Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// ManifestFile is one file of a snapshot.
type ManifestFile struct {
	Name   string
	Size   int64
	SHA256 string // 64 hexadecimal digits
}

// Snapshot copies the index as it is now into the new directory dst. Commits wait meanwhile, a few
// milliseconds and the time of hashing. A crash leaves a directory without a manifest, which
// VerifySnapshot refuses.
func (d *DB) Snapshot(dst string) (Manifest, error) {
	fs := d.o.FS
	if _, err := fs.Stat(dst); err == nil {
		return Manifest{}, fmt.Errorf("make snapshot %s: %w", dst, os.ErrExist)
	}
	if err := fs.MkdirAll(dst, 0o700); err != nil {
		return Manifest{}, fmt.Errorf("make snapshot: %w", err)
	}
	m := Manifest{Schema: schema()}
	data := fs.PathJoin(dst, dataDir)
	if err := d.checkpoint(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("make snapshot: %w", err)
	}
	var err error
	if m.Files, err = hashFiles(fs, data); err != nil {
		return Manifest{}, fmt.Errorf("make snapshot: %w", err)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, fmt.Errorf("encode snapshot manifest: %w", err)
	}
	sum := sha256.Sum256(b)
	b = fmt.Appendf(b, "\n%x\n", sum)
	if err := writeFileAtomic(fs, dst, manifestFile, b); err != nil {
		return Manifest{}, fmt.Errorf("write snapshot manifest: %w", err)
	}
	return m, syncDir(fs, fs.PathDir(dst))
}

// checkpoint makes the copy while nothing is committed, so that the manifest can say of which
// moment it is.
func (d *DB) checkpoint(data string, m *Manifest) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	m.Checkpoint = d.state.checkpoint
	return d.fuse.guard(func() error {
		if err := d.p.Flush(); err != nil {
			return err
		}
		return d.p.Checkpoint(data)
	})
}

func hashFiles(fs vfs.FS, dir string) ([]ManifestFile, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == LockFile })
	slices.Sort(names)
	files := make([]ManifestFile, 0, len(names))
	for _, n := range names {
		size, sum, err := hashFile(fs, fs.PathJoin(dir, n), io.Discard)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", n, err)
		}
		files = append(files, ManifestFile{n, size, sum})
	}
	return files, nil
}

// hashFile copies a file to w and hashes it on the way.
func hashFile(fs vfs.FS, name string, w io.Writer) (size int64, sum string, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(h, w), f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// ReadManifest reads a snapshot's manifest and checks the manifest alone. ErrSnapshot where it is
// missing or damaged.
func ReadManifest(dir string) (Manifest, error) { return readManifest(realFS(), dir) }

func readManifest(fs vfs.FS, dir string) (Manifest, error) {
	b, err := readFile(fs, fs.PathJoin(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%w: %s: no manifest", ErrSnapshot, dir)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read snapshot manifest: %w", err)
	}
	body, sum, ok := strings.Cut(string(b), "\n}\n")
	body += "\n}"
	want := sha256.Sum256([]byte(body))
	if !ok || sum != fmt.Sprintf("%x\n", want) {
		return Manifest{}, fmt.Errorf("%w: %s: manifest fails its checksum", ErrSnapshot, dir)
	}
	var m Manifest
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %s: manifest: %w", ErrSnapshot, dir, err)
	}
	return m, nil
}

// VerifySnapshot reads every file of a snapshot and compares it with the manifest: any flipped
// byte, cut, missing or strange file is ErrSnapshot and named.
func VerifySnapshot(dir string) (Manifest, error) { return verifySnapshot(realFS(), dir) }

func verifySnapshot(fs vfs.FS, dir string) (Manifest, error) {
	m, err := readManifest(fs, dir)
	if err != nil {
		return m, err
	}
	have, err := hashFiles(fs, fs.PathJoin(dir, dataDir))
	if err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrSnapshot, dir, err)
	}
	return m, compareFiles(dir, m.Files, have)
}

func compareFiles(dir string, want, have []ManifestFile) error {
	byName := map[string]ManifestFile{}
	for _, f := range have {
		byName[f.Name] = f
	}
	for _, f := range want {
		got, ok := byName[f.Name]
		delete(byName, f.Name)
		switch {
		case !ok:
			return fmt.Errorf("%w: %s: file %s is missing", ErrSnapshot, dir, f.Name)
		case got != f:
			return fmt.Errorf("%w: %s: file %s is not as it was made", ErrSnapshot, dir, f.Name)
		}
	}
	for name := range byName {
		return fmt.Errorf("%w: %s: file %s does not belong to it", ErrSnapshot, dir, name)
	}
	return nil
}

// InstallSnapshot verifies the snapshot src, copies it into a new generation of the index
// directory dir and makes that the one in use. No DB may be open in dir. The snapshot stays; the
// log from its checkpoint on completes it. ErrOutdated where another version made it.
func InstallSnapshot(src, dir string) (Manifest, error) {
	return installSnapshot(realFS(), src, dir)
}

func installSnapshot(fs vfs.FS, src, dir string) (Manifest, error) {
	m, err := readManifest(fs, src)
	if err != nil {
		return m, err
	}
	if m.Schema != schema() {
		return m, fmt.Errorf("install snapshot %s: %w: made for %q", src, ErrOutdated, m.Schema)
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return m, fmt.Errorf("install snapshot: %w", err)
	}
	name, err := nextGeneration(fs, dir)
	if err != nil {
		return m, err
	}
	to := fs.PathJoin(dir, name)
	if err := copyFiles(fs, src, to, m); err != nil {
		return m, errors.Join(fmt.Errorf("install snapshot %s: %w", src, err), fs.RemoveAll(to))
	}
	if err := syncDir(fs, dir); err != nil {
		return m, err
	}
	return m, promoteInstalled(fs, dir, to)
}

// promoteInstalled opens the copy once, so that nothing is promoted that pebble cannot read.
func promoteInstalled(fs vfs.FS, dir, to string) error {
	d, err := openGeneration(dir, to, Options{FS: fs}.withDefaults())
	if err != nil {
		return errors.Join(err, fs.RemoveAll(to))
	}
	err = d.Promote(false)
	return errors.Join(err, d.Close())
}

func copyFiles(fs vfs.FS, src, to string, m Manifest) error {
	if err := fs.MkdirAll(to, 0o700); err != nil {
		return err
	}
	var have []ManifestFile
	for _, f := range m.Files {
		size, sum, err := copyFile(fs, fs.PathJoin(src, dataDir, f.Name), fs.PathJoin(to, f.Name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("copy %s: %w", f.Name, err)
		}
		if err == nil {
			have = append(have, ManifestFile{f.Name, size, sum})
		}
	}
	if err := compareFiles(src, m.Files, have); err != nil {
		return err
	}
	return syncDir(fs, to)
}

func copyFile(fs vfs.FS, from, to string) (size int64, sum string, err error) {
	w, err := fs.Create(to, syncCategory)
	if err != nil {
		return 0, "", err
	}
	size, sum, err = hashFile(fs, from, w)
	if err == nil {
		err = w.Sync()
	}
	if e := w.Close(); err == nil {
		err = e
	}
	return size, sum, err
}

// OpenSnapshot opens a snapshot for reading, without copying it. It does not verify it.
func OpenSnapshot(src string, o Options) (*DB, error) {
	o = o.withDefaults()
	o.ReadOnly = true
	m, err := readManifest(o.FS, src)
	if err != nil {
		return nil, err
	}
	if m.Schema != schema() {
		return nil, fmt.Errorf("open snapshot %s: %w: made for %q", src, ErrOutdated, m.Schema)
	}
	return openGeneration(src, o.FS.PathJoin(src, dataDir), o)
}

// Check reads everything: the structure of pebble's levels and every block of every file.
// ErrBroken names what is damaged.
func (d *DB) Check() error {
	if err := d.Flush(); err != nil {
		return err
	}
	check := func() error { return d.p.CheckLevels(&pebble.CheckLevelsStats{}) }
	if err := d.fuse.guard(check); err != nil {
		return d.fuse.blow(fmt.Errorf("check levels: %w", err))
	}
	v, err := d.View()
	if err != nil {
		return err
	}
	_, err = v.Digest()
	return errors.Join(err, v.Close())
}
