package wal

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// preparation makes a verified log ready to be appended to.
type preparation struct {
	dir   string
	o     Options
	disk  *disk
	fresh bool // the store was made just now
	notes []string
	kept  []string // what was put into quarantine/, relative to the store
}

// prepare changes what must be changed before the first append, in an order in which a
// crash at any point leaves a log that opens to the same records.
func (p *preparation) prepare(c *catalog) (*writer, error) {
	if p.fresh {
		c.notes = nil
	}
	if err := p.clearAway(c); err != nil {
		return nil, err
	}
	if err := p.cutTorn(c); err != nil {
		return nil, err
	}
	if err := p.syncTail(c); err != nil {
		return nil, err
	}
	w := &writer{epoch: 1, disk: p.disk}
	for _, q := range c.pieces {
		w.epoch = max(w.epoch, q.epoch+1)
	}
	if p.fresh {
		w.epoch = 1
	}
	if err := p.chooseActive(c, w); err != nil {
		return nil, err
	}
	if err := p.writeDerived(c, w); err != nil {
		return nil, err
	}
	w.l = &Log{dir: p.dir}
	if err := w.openEngine(); err != nil {
		return nil, err
	}
	return w, nil
}

// clearAway sets leftovers and misleading names aside.
func (p *preparation) clearAway(c *catalog) error {
	for _, path := range leftovers(p.dir) {
		if err := p.setAside(path); err != nil {
			return err
		}
	}
	for _, path := range c.stray {
		if err := p.setAside(path); err != nil {
			return err
		}
	}
	// A segment behind the end would be taken for the active one.
	end := c.end().Seq
	for _, f := range slices.Clone(c.files) {
		beyond := f.first > end+1 || f.first == end+1 && len(f.extents) > 0
		if !beyond || f == c.torn {
			continue
		}
		if err := p.setAside(f.path); err != nil {
			return err
		}
		c.files = slices.DeleteFunc(c.files, func(g *segFile) bool { return g == f })
	}
	return nil
}

// leftovers lists the unfinished files of interrupted writes. In the store directory only
// those of this package: others write there too.
func leftovers(dir string) []string {
	var all []string
	for _, name := range []string{formatName, headName, ballastName, logDir} {
		if path := filepath.Join(dir, name+tmpSuffix); exists(path) {
			all = append(all, path)
		}
	}
	for _, sub := range []string{logDir, archiveDir} {
		entries, _ := os.ReadDir(filepath.Join(dir, sub))
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), tmpSuffix) {
				all = append(all, filepath.Join(dir, sub, e.Name()))
			}
		}
	}
	return all
}

// setAside moves a file or directory into quarantine/, if it is there.
func (p *preparation) setAside(path string) error {
	if !exists(path) {
		return nil
	}
	to, err := quarantineName(p.disk, p.dir, p.o.Now(), filepath.Base(path))
	if err != nil {
		return err
	}
	if err := p.disk.rename(path, to); err != nil {
		return err
	}
	p.note("%s was set aside as %s", rel(p.dir, path), rel(p.dir, to))
	p.kept = append(p.kept, rel(p.dir, to))
	if err := p.disk.syncDir(filepath.Dir(to)); err != nil {
		return err
	}
	return p.disk.syncDir(filepath.Dir(path))
}

func (p *preparation) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// quarantineName finds a free name in quarantine/ and makes the directory.
func quarantineName(d *disk, dir string, now time.Time, name string) (string, error) {
	q := filepath.Join(dir, quarantineDir)
	if !exists(q) {
		if err := os.MkdirAll(q, dirPerm); err != nil {
			return "", err
		}
		if err := d.syncDir(dir); err != nil {
			return "", err
		}
	}
	base := filepath.Join(q, now.UTC().Format("20060102T150405Z")+"-"+name)
	for i := 0; ; i++ {
		path := base
		if i > 0 {
			path = fmt.Sprintf("%s.%d", base, i)
		}
		if !exists(path) {
			return path, nil
		}
	}
}

// cutTorn copies the torn end into quarantine/, then cuts it off.
func (p *preparation) cutTorn(c *catalog) error {
	if c.torn == nil {
		return nil
	}
	f, err := os.OpenFile(c.torn.path, os.O_RDWR, filePerm)
	if err != nil {
		return err
	}
	defer f.Close()
	name := fmt.Sprintf("%s-%d.torn", segmentName(c.torn.first), c.tornAt)
	to, err := quarantineName(p.disk, p.dir, p.o.Now(), name)
	if err != nil {
		return err
	}
	if err := p.disk.copyOut(to, f, c.tornAt, c.torn.size); err != nil {
		return err
	}
	if err := p.disk.truncate(f, c.tornAt); err != nil {
		return err
	}
	if err := p.disk.sync(f); err != nil {
		return err
	}
	p.note("torn bytes are kept as %s", rel(p.dir, to))
	p.kept = append(p.kept, rel(p.dir, to))
	c.torn.size, c.torn = c.tornAt, nil
	return nil
}

// syncTail makes everything behind HEAD durable: what a killed process wrote and did not
// sync may be in the page cache only, even where the kernel takes it for written.
func (p *preparation) syncTail(c *catalog) error {
	for _, f := range c.files {
		if f.line != nil || !f.walked {
			continue
		}
		from := int64(0)
		if c.headOK && c.head.segment == f.first {
			from = pageStart(c.head.end - 1)
		} else if c.headOK && c.head.segment > f.first {
			from = f.size
		}
		file, err := os.OpenFile(f.path, os.O_RDWR, filePerm)
		if err != nil {
			return err
		}
		err = p.disk.rewrite(file, from, f.size)
		if err = joinClose(err, file); err != nil {
			return err
		}
	}
	if err := p.disk.syncDir(filepath.Join(p.dir, logDir)); err != nil {
		return err
	}
	return p.disk.syncDir(p.dir)
}

// chooseActive finds the segment to append to. A damaged one, or one that is sealed, is
// left where it is and a new one begun behind it.
func (p *preparation) chooseActive(c *catalog, w *writer) error {
	end := c.end()
	active := extent{last: end.Seq, hash: end.Hash}
	if q := c.last(); q != nil {
		active.lastTime, active.epoch, active.endsLost = q.lastTime, q.epoch, q.endsLost
	}
	if n := len(c.files); n > 0 && c.files[n-1].appendable(c) {
		f := c.files[n-1]
		w.seg = activeSegment{file: f, first: f.first, size: f.size, sum: newSum(), ext: active}
		if e := f.lastExtent(); e != nil {
			w.seg.ext = *e
		}
		return p.takeActive(w)
	}
	path := segmentPath(p.dir, end.Seq+1)
	if err := w.beginFile(path); err != nil {
		return err
	}
	f := &segFile{name: rel(p.dir, path), path: path, first: end.Seq + 1}
	w.seg = activeSegment{file: f, first: f.first, sum: newSum(), ext: active}
	return nil
}

// appendable tells whether the last file is whole and goes on where the log ends.
func (f *segFile) appendable(c *catalog) bool {
	if !f.walked || f.line != nil || len(f.gaps) > 0 || f.broken != "" || len(f.extents) > 1 {
		return false
	}
	e := f.lastExtent()
	if e == nil {
		return f.first == c.end().Seq+1
	}
	return e.first == f.first && e == c.last().extent
}

// takeActive takes the hash and the sparse index of the active segment from the walk that verified
// it. Where the file was cut since, they are not its own: it is read again.
func (p *preparation) takeActive(w *writer) error {
	if r := w.seg.file.read; r.size == w.seg.size {
		w.seg.sum, w.index = r.sum, r.index
		return nil
	}
	return p.readActive(w)
}

// readActive reads the hash and the sparse index of the active segment.
func (p *preparation) readActive(w *writer) error {
	file, err := os.Open(w.seg.file.path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := io.TeeReader(&fileReader{f: file, end: w.seg.size}, w.seg.sum)
	s := newScanner(r, 0)
	for {
		it, err := s.next()
		if err != nil || it.gap != nil {
			return nil
		}
		if seq := it.frame.header.seq; uint64(seq-w.seg.first)%indexEvery == 0 {
			w.index = append(w.index, indexMark{seq, it.off})
		}
	}
}

// writeDerived makes FORMAT, HEAD and sealed.jsonl say what the log says.
func (p *preparation) writeDerived(c *catalog, w *writer) error {
	if !c.known && w.last() > 0 {
		if err := writeFormat(p.disk, p.dir, c.id()); err != nil {
			return err
		}
	}
	if err := p.sealLines(c, w); err != nil {
		return err
	}
	name := filepath.Join(p.dir, headName)
	if !exists(name) {
		if err := p.disk.writeFile(name, make([]byte, headSize)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(name, os.O_RDWR, filePerm)
	if err != nil {
		return err
	}
	w.head = headFile{disk: p.disk, f: f}
	if c.headOK {
		w.head.slot = 1 - c.slot
	}
	// The log is durable up to its end since syncTail; only now may HEAD say so.
	m := headMark{Position: c.end(), segment: w.seg.first, end: w.seg.size}
	if c.headOK && c.head == m || m.Seq == 0 {
		return nil
	}
	if err := w.head.write(m); err != nil {
		return joinClose(err, f)
	}
	return nil
}

// sealLines adds the lines of complete segments that have none.
func (p *preparation) sealLines(c *catalog, w *writer) error {
	var lines []sealedLine
	changed := c.rebuild
	for _, f := range c.files {
		if f.line != nil {
			lines = append(lines, *f.line)
			continue
		}
		if f.path == w.seg.file.path || !f.whole() {
			continue
		}
		line := f.toLine()
		f.line = &line
		lines = append(lines, line)
		changed = true
	}
	if !changed {
		return nil
	}
	// Lines of files that are gone stay: they say what is missing.
	old, _, err := readLines[sealedLine](filepath.Join(p.dir, logDir, sealedName))
	if err != nil {
		return err
	}
	for _, l := range old {
		if c.at(l.First) == nil {
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, func(a, b sealedLine) int { return cmp.Compare(a.First, b.First) })
	return writeLines(p.disk, filepath.Join(p.dir, logDir, sealedName), lines)
}

// whole tells whether a walked file is one chosen stretch under its own name.
func (f *segFile) whole() bool {
	return f.walked && len(f.gaps) == 0 && len(f.extents) == 1 && f.broken == "" &&
		f.extents[0].chosen && f.extents[0].first == f.first
}
