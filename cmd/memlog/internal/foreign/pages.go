package foreign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"unicode/utf16"
)

// The kinds of b-tree pages of a SQLite database (its file format, section 1.6).
const (
	pageIndexInterior = 2
	pageTableInterior = 5
	pageIndexLeaf     = 10
	pageTableLeaf     = 13
)

// maxPayload bounds the size of one row that is put together from pages: more than a memory may
// have, and than SQLite's default limit for a value.
const maxPayload = 1 << 30

// pageFile reads the pages of a SQLite database that SQLite itself no longer reads whole: each page
// alone, as the file format describes them. It is used on a private copy.
type pageFile struct {
	f        *os.File
	size     int64 // of a page
	usable   int   // bytes of a page
	count    uint32
	encoding uint32 // of texts: 1 UTF-8, 2 and 3 UTF-16
}

// openPages opens a database by its pages. A header that makes no sense is taken as that of a
// database as these tools make them.
func openPages(path string) (*pageFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open copy: %w", err)
	}
	p := &pageFile{f: f, size: 4096, encoding: 1}
	head := make([]byte, 100)
	if _, err := f.ReadAt(head, 0); err == nil && string(head[:16]) == sqliteMagic {
		if n := pageSize(head); n&(n-1) == 0 && n <= 65536 {
			p.size = n
		}
		p.usable = int(p.size) - int(head[20])
		p.encoding = binary.BigEndian.Uint32(head[56:])
	}
	if p.usable < 480 {
		p.usable = int(p.size)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open copy: %w", err), f.Close())
	}
	p.count = uint32(min((info.Size()+p.size-1)/p.size, math.MaxUint32))
	return p, nil
}

func (p *pageFile) close() error { return p.f.Close() }

// page returns page n, counted from 1, with zero bytes where the file ends before it does.
func (p *pageFile) page(n uint32) ([]byte, error) {
	if n == 0 || n > p.count {
		return nil, fmt.Errorf("no page %d", n)
	}
	b := make([]byte, p.size)
	_, err := p.f.ReadAt(b, int64(n-1)*p.size)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read page %d: %w", n, err)
	}
	return b, nil
}

// btree is a page of a table or an index.
type btree struct {
	n     uint32
	b     []byte
	kind  byte
	cells []int // offsets
	right uint32
}

// btree reads page n as one of a tree. ok is false where it is none.
func (p *pageFile) btree(n uint32) (t btree, ok bool) {
	b, err := p.page(n)
	if err != nil {
		return t, false
	}
	at := 0
	if n == 1 {
		at = 100
	}
	t = btree{n: n, b: b, kind: b[at]}
	header := 8
	switch t.kind {
	case pageTableInterior, pageIndexInterior:
		header = 12
		t.right = binary.BigEndian.Uint32(b[at+8:])
	case pageTableLeaf, pageIndexLeaf:
	default:
		return t, false
	}
	cells := int(binary.BigEndian.Uint16(b[at+3:]))
	list := at + header
	if list+2*cells > p.usable {
		return t, false
	}
	for i := range cells {
		c := int(binary.BigEndian.Uint16(b[list+2*i:]))
		if c >= list+2*cells && c+4 <= p.usable {
			t.cells = append(t.cells, c)
		}
	}
	return t, true
}

// children are the pages below an interior page.
func (t btree) children() []uint32 {
	if t.kind != pageTableInterior && t.kind != pageIndexInterior {
		return nil
	}
	var out []uint32
	for _, c := range t.cells {
		out = append(out, binary.BigEndian.Uint32(t.b[c:]))
	}
	return append(out, t.right)
}

// maxDepth is how deep SQLite's trees are at most.
const maxDepth = 20

// leaves calls visit for every page of the tree at root that can be reached, marking them in seen.
func (p *pageFile) leaves(root uint32, seen map[uint32]bool, visit func(btree)) {
	p.descend(root, maxDepth, seen, visit)
}

func (p *pageFile) descend(root uint32, depth int, seen map[uint32]bool, visit func(btree)) {
	if root == 0 || root > p.count || seen[root] || depth == 0 {
		return
	}
	seen[root] = true
	t, ok := p.btree(root)
	if !ok {
		return
	}
	visit(t)
	for _, c := range t.children() {
		p.descend(c, depth-1, seen, visit)
	}
}

// free returns the pages that the database does not use: what stands in them was deleted.
func (p *pageFile) free() map[uint32]bool {
	out := map[uint32]bool{}
	first, err := p.page(1)
	if err != nil || string(first[:16]) != sqliteMagic {
		return out
	}
	trunk := binary.BigEndian.Uint32(first[32:])
	for trunk != 0 && !out[trunk] {
		b, err := p.page(trunk)
		if err != nil {
			break
		}
		out[trunk] = true
		n := min(int(binary.BigEndian.Uint32(b[4:])), p.usable/4-2)
		for i := range n {
			out[binary.BigEndian.Uint32(b[8+4*i:])] = true
		}
		trunk = binary.BigEndian.Uint32(b)
	}
	return out
}

// row is one row of a table, or one entry of an index.
type row struct {
	id     int64 // rowid; 0 in an index
	values []any // nil, int64, float64, string or []byte
}

var errCut = errors.New("part of it stands in a page that is damaged or missing")

// cell reads the cell at offset c. Where only its overflow is lost, the row has its id and the
// error is errCut.
func (p *pageFile) cell(t btree, c int) (row, error) {
	var out row
	b := t.b[c:p.usable]
	if t.kind == pageIndexInterior {
		b = b[4:]
	}
	size, n := varint(b)
	if n == 0 || size > maxPayload {
		return out, errCut
	}
	b = b[n:]
	if t.kind == pageTableLeaf {
		id, n := varint(b)
		if n == 0 {
			return out, errCut
		}
		out.id, b = int64(id), b[n:]
	}
	payload, err := p.payload(b, int(size), t.kind == pageTableLeaf)
	if err != nil {
		return out, err
	}
	out.values, err = p.record(payload)
	return out, err
}

// payload puts the bytes of a cell together, those that overflow included.
func (p *pageFile) payload(b []byte, size int, table bool) ([]byte, error) {
	u := p.usable
	most, least := u-35, (u-12)*32/255-23
	if !table {
		most = (u-12)*64/255 - 23
	}
	local := size
	if size > most {
		if local = least + (size-least)%(u-4); local > most {
			local = least
		}
	}
	if local > len(b) || size > local && local+4 > len(b) {
		return nil, errCut
	}
	if size == local {
		return b[:local], nil
	}
	out := append(make([]byte, 0, min(size, 1<<20)), b[:local]...)
	for next := binary.BigEndian.Uint32(b[local:]); len(out) < size; {
		page, err := p.page(next)
		if err != nil {
			return nil, errCut
		}
		out = append(out, page[4:min(u, 4+size-len(out))]...)
		if next = binary.BigEndian.Uint32(page); next == 0 && len(out) < size {
			return nil, errCut
		}
	}
	return out, nil
}

// record takes the bytes of a row apart.
func (p *pageFile) record(b []byte) ([]any, error) {
	size, n := varint(b)
	if n == 0 || size > uint64(len(b)) || size < uint64(n) {
		return nil, errCut
	}
	header, body := b[n:size], b[size:]
	var out []any
	for len(header) > 0 {
		kind, n := varint(header)
		if n == 0 {
			return nil, errCut
		}
		header = header[n:]
		v, rest, ok := p.value(kind, body)
		if !ok {
			return nil, errCut
		}
		out, body = append(out, v), rest
	}
	return out, nil
}

// intSizes are the bytes of the serial types 0 to 9.
var intSizes = []int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}

// value reads one value by its serial type.
func (p *pageFile) value(kind uint64, b []byte) (v any, rest []byte, ok bool) {
	switch {
	case kind == 10 || kind == 11:
		return nil, nil, false
	case kind >= 12:
		size := (kind - 12) / 2
		if size > uint64(len(b)) {
			return nil, nil, false
		}
		if kind%2 == 1 {
			return p.text(b[:size]), b[size:], true
		}
		return append([]byte(nil), b[:size]...), b[size:], true
	}
	size := intSizes[kind]
	if size > len(b) {
		return nil, nil, false
	}
	switch kind {
	case 0:
		return nil, b, true
	case 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], true
	case 8, 9:
		return int64(kind - 8), b, true
	}
	n := int64(int8(b[0]))
	for _, c := range b[1:size] {
		n = n<<8 | int64(c)
	}
	return n, b[size:], true
}

// text decodes a text in the database's encoding.
func (p *pageFile) text(b []byte) string {
	if p.encoding != 2 && p.encoding != 3 {
		return string(b)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if p.encoding == 3 {
		order = binary.BigEndian
	}
	var u []uint16
	for ; len(b) >= 2; b = b[2:] {
		u = append(u, order.Uint16(b))
	}
	return strings.Clone(string(utf16.Decode(u)))
}

// varint reads SQLite's variable-length integer: at most nine bytes, the ninth whole.
func varint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
