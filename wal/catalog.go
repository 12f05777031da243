package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// catalog is everything that is known about the files of a store, and what follows from
// it: which stretch of which file holds which numbers, and what is wrong. Open, Verify and
// Repair all see the log through it.
type catalog struct {
	dir    string
	full   bool // every byte is read; otherwise sealed and archived files are trusted
	format storeFormat
	known  bool // format is sound
	head   headMark
	headOK bool

	headDamaged bool // one of its slots is not as it was written
	slot        int  // the slot of HEAD that head is in

	files    []*segFile // of log/, by name
	archive  []*segFile
	manifest []ArchiveEntry
	anchors  map[Seq][]Hash
	witness  Position // the highest number that somebody saw acknowledged
	seenBy   string   // who

	torn        *segFile // the file whose end is torn
	tornAt      int64
	pieces      []piece // what the log is, ascending, disjoint
	holes       []hole
	problems    []CorruptionError
	notes       []string
	stray       []string // files that must be kept away from tidwall/wal
	strays      []string // all that do not belong in log/
	rebuild     bool     // sealed.jsonl must be written again
	badManifest bool
	conflict    string // HEAD names another record than the log has
	far         string // a segment has a number that is not believed
	bytes       int64
}

// piece is a stretch of the log, in one extent.
type piece struct {
	*extent
	from, to Seq
}

// hole is a stretch of numbers that no file holds. prev is what the record behind it
// names as the one before; zero where nothing is behind.
type hole struct {
	Range
	prev Hash
}

// catalogOptions say how to look.
type catalogOptions struct {
	full      bool
	witnesses []Witness
	progress  func(done, total int64)
}

// loadTries is how often a look is begun anew because a writer moved a file meanwhile.
const loadTries = 4

// loadCatalog looks at a store without changing it. A writer may be at work: what it moves
// into the archive under our eyes is looked for again.
func loadCatalog(ctx context.Context, dir string, o catalogOptions) (*catalog, error) {
	for try := 1; ; try++ {
		c := &catalog{dir: dir, full: o.full, anchors: map[Seq][]Hash{}}
		if err := c.look(ctx, o); err != nil {
			return nil, err
		}
		if moved := slices.ContainsFunc(c.files, func(f *segFile) bool { return f.gone }); !moved ||
			try == loadTries {
			return c, nil
		}
	}
}

// look reads in an order in which whatever a writer adds meanwhile does no harm: the log
// is never behind HEAD and sealed.jsonl as they were before, and what is not in log/ any
// more is in the manifest as it is after.
func (c *catalog) look(ctx context.Context, o catalogOptions) error {
	if err := c.readWitnesses(o.witnesses); err != nil {
		return err
	}
	lines, err := c.readSealed()
	if err != nil {
		return err
	}
	if err := c.list(lines); err != nil {
		return err
	}
	if err := c.readArchive(); err != nil {
		return err
	}
	if err := c.walkAll(ctx, o.progress); err != nil {
		return err
	}
	c.findTorn()
	c.assemble()
	c.judge()
	return nil
}

// readWitnesses reads FORMAT and HEAD and takes in the caller's witnesses.
func (c *catalog) readWitnesses(ws []Witness) error {
	var err error
	c.format, err = readFormat(c.dir)
	switch {
	case err == nil:
		c.known = true
	case errors.Is(err, ErrNotFound):
		c.note("FORMAT is missing; record 1 says what it said")
	case errors.Is(err, errFormatDamaged):
		c.note("FORMAT is damaged; record 1 says what it said")
	default:
		return err
	}
	c.head, c.slot, c.headOK, c.headDamaged, err = readHead(filepath.Join(c.dir, headName))
	if err != nil {
		return err
	}
	if c.headDamaged || !c.headOK {
		c.note("HEAD is damaged or missing; other witnesses are used")
	}
	if c.headOK {
		c.see("HEAD", c.head.Position)
		c.anchor(c.head.Seq, c.head.Hash)
	}
	for _, w := range ws {
		c.see(w.Name, w.Position)
	}
	return nil
}

func (c *catalog) see(who string, p Position) {
	if p.Seq > c.witness.Seq {
		c.witness, c.seenBy = p, who
	}
}

func (c *catalog) anchor(seq Seq, h Hash) {
	if seq > 0 && !slices.Contains(c.anchors[seq], h) {
		c.anchors[seq] = append(c.anchors[seq], h)
	}
}

// readSealed reads sealed.jsonl.
func (c *catalog) readSealed() (map[Seq]*sealedLine, error) {
	lines, bad, err := readLines[sealedLine](filepath.Join(c.dir, logDir, sealedName))
	if err != nil {
		return nil, err
	}
	if bad > 0 {
		c.note("%s has %d damaged lines; it is made again from the segments", sealedName, bad)
		c.rebuild = true
	}
	byFirst := map[Seq]*sealedLine{}
	for i := range lines {
		l := &lines[i]
		byFirst[l.First] = l
		c.see(sealedName, Position{l.Last, l.LastHash})
	}
	for _, l := range byFirst {
		c.anchor(l.First-1, l.Prev)
		c.anchor(l.Last, l.LastHash)
	}
	return byFirst, nil
}

// readArchive reads the manifest and finds the archived files.
func (c *catalog) readArchive() error {
	var bad int
	var err error
	c.manifest, bad, err = readManifest(c.dir)
	if err != nil {
		return err
	}
	if bad > 0 {
		c.note("the archive's manifest or its copy has damaged or missing lines (%d); repair makes "+
			"them again", bad)
		c.badManifest = true
	}
	for _, e := range c.manifest {
		c.see("archive manifest", Position{e.Last, e.LastHash})
		c.anchor(e.Last, e.LastHash)
		c.anchor(e.First-1, e.PrevHash)
	}
	c.listArchive()
	return nil
}

// list finds the files of log/.
func (c *catalog) list(lines map[Seq]*sealedLine) error {
	entries, err := os.ReadDir(filepath.Join(c.dir, logDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("list segments: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		path := filepath.Join(c.dir, logDir, name)
		first := parseSegmentName(name)
		switch {
		case first > 0 && e.Type().IsRegular():
			f := &segFile{name: rel(c.dir, path), path: path, first: first, line: lines[first]}
			c.files = append(c.files, f)
		case name == sealedName:
		case strings.HasSuffix(name, tmpSuffix):
			c.note("%s is a leftover of an interrupted write", rel(c.dir, path))
		default:
			c.problem(rel(c.dir, path), 0, Range{}, KindStray, "does not belong in the log")
			c.strays = append(c.strays, path)
			if misleads(name) || first > 0 {
				c.stray = append(c.stray, path)
			}
		}
	}
	sort.Slice(c.files, func(i, j int) bool { return c.files[i].first < c.files[j].first })
	return nil
}

// listArchive finds the archived files: those of the manifest, and those in archive/ that
// a damaged manifest has forgotten.
func (c *catalog) listArchive() {
	for i := range c.manifest {
		e := &c.manifest[i]
		f := &segFile{name: rel(c.dir, e.Path), path: e.Path, archived: true, first: e.First,
			entry: e}
		c.archive = append(c.archive, f)
	}
	names, _ := filepath.Glob(filepath.Join(c.dir, archiveDir, "*"+archiveSuffix))
	for _, path := range names {
		listed := slices.ContainsFunc(c.archive, func(f *segFile) bool { return f.path == path })
		first, _, _ := strings.Cut(filepath.Base(path), "-")
		if first := parseSegmentName(first); !listed && first > 0 {
			c.note("%s is not in the archive's manifest", rel(c.dir, path))
			c.archive = append(c.archive,
				&segFile{name: rel(c.dir, path), path: path, archived: true, first: first})
			c.badManifest = true
		}
	}
}

// walkAll reads the files, or trusts the sealed ones.
func (c *catalog) walkAll(ctx context.Context, progress func(done, total int64)) error {
	all := slices.Concat(c.files, c.archive)
	var done, total int64
	for _, f := range all {
		if info, err := os.Stat(f.path); err == nil {
			f.size = info.Size()
		} else {
			f.broken, f.gone = err.Error(), errors.Is(err, os.ErrNotExist)
		}
		total += f.size
	}
	var mem []byte
	for _, f := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		stored := f.size
		if f.broken == "" && !c.trust(f, &mem) {
			c.walk(f)
			c.bytes += stored
		}
		done += stored
		if progress != nil {
			progress(done, total)
		}
	}
	return nil
}

// trust takes a sealed or archived file at the word of its line, if its size is right and
// it begins with the right record. mem is memory to read into, for one file after another.
func (c *catalog) trust(f *segFile, mem *[]byte) bool {
	if c.full {
		return false
	}
	if f.archived {
		if f.entry == nil || f.size != f.entry.StoredBytes || f.first == 1 && !c.known {
			return false
		}
		f.extents = []*extent{f.fromLine(f.entry.line())}
		f.size = f.entry.Bytes
		return true
	}
	if f.line == nil || f.size != f.line.Bytes || f.line.First != f.first {
		return false
	}
	file, err := os.Open(f.path)
	if err != nil {
		return false
	}
	defer file.Close()
	s := newScanner(&fileReader{f: file, end: f.size}, 0)
	s.mem, s.buf = *mem, (*mem)[:0]
	it, err := s.next()
	*mem = s.mem
	if err != nil || it.gap != nil ||
		it.frame.header.seq != f.first || it.frame.header.prev != f.line.Prev {
		return false
	}
	e := f.fromLine(f.line)
	if m := it.frame.header.mark; m != nil {
		e.addMark(&it.frame.header, m)
		e.eras = f.line.Eras
	}
	if f.first == 1 && (!c.known || e.id == nil || *e.id != c.format.id) {
		return false
	}
	f.extents = []*extent{e}
	return true
}

func (c *catalog) walk(f *segFile) {
	r, err := f.open(0)
	if err != nil {
		f.broken, f.gone = err.Error(), errors.Is(err, os.ErrNotExist)
		return
	}
	defer r.Close()
	f.walk(r, c.anchors)
	if z, ok := r.(*archiveReader); ok {
		f.stored = z.storedSum()
	}
}

// open returns the uncompressed bytes of the segment from an offset, which for an
// archived file must be 0.
func (f *segFile) open(off int64) (io.ReadCloser, error) {
	if f.archived {
		return openArchived(f.path)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	size, err := fileSize(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{&fileReader{f: file, off: off, end: size}, file}, nil
}

func (c *catalog) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *catalog) problem(segment string, off int64, r Range, kind, detail string) {
	c.problems = append(c.problems, CorruptionError{
		Segment: segment, Offset: off, FromSeq: r.From, ToSeq: r.To, Kind: kind, Detail: detail})
}

// last is the last piece, nil if there is none.
func (c *catalog) last() *piece {
	if len(c.pieces) == 0 {
		return nil
	}
	return &c.pieces[len(c.pieces)-1]
}

// end is the last record of the log.
func (c *catalog) end() Position {
	if p := c.last(); p != nil {
		return Position{p.to, p.hash}
	}
	return Position{}
}
