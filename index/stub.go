package index

import (
	"errors"
	"iter"
)

// DB is an open generation of the index.
type DB struct{}

func Open(dir string, o Options) (*DB, error)            { return nil, errors.ErrUnsupported }
func NewGeneration(dir string, o Options) (*DB, error)   { return nil, errors.ErrUnsupported }
func Peek(dir string) (Checkpoint, error)                { return Checkpoint{}, errors.ErrUnsupported }
func SetAside(dir string, reason string) (string, error) { return "", errors.ErrUnsupported }
func (d *DB) Promote(keepOld bool) error                 { return errors.ErrUnsupported }
func (d *DB) Discard() error                             { return errors.ErrUnsupported }
func (d *DB) Path() string                               { return "" }
func (d *DB) Checkpoint() Checkpoint                     { return Checkpoint{} }
func (d *DB) Broken() error                              { return nil }
func (d *DB) NewBatch() (*Batch, error)                  { return nil, errors.ErrUnsupported }
func (d *DB) View() (*View, error)                       { return nil, errors.ErrUnsupported }
func (d *DB) At(seq uint64) (*View, error)               { return nil, errors.ErrUnsupported }
func (d *DB) Flush() error                               { return errors.ErrUnsupported }
func (d *DB) Compact() error                             { return errors.ErrUnsupported }
func (d *DB) Check() error                               { return errors.ErrUnsupported }
func (d *DB) Bytes() (int64, error)                      { return 0, nil }
func (d *DB) Close() error                               { return nil }
func (d *DB) Snapshot(dst string) (Manifest, error)      { return Manifest{}, errors.ErrUnsupported }
func ReadManifest(dir string) (Manifest, error)          { return Manifest{}, errors.ErrUnsupported }
func VerifySnapshot(dir string) (Manifest, error)        { return Manifest{}, errors.ErrUnsupported }
func InstallSnapshot(src, dir string) (Manifest, error)  { return Manifest{}, errors.ErrUnsupported }
func OpenSnapshot(src string, o Options) (*DB, error)    { return nil, errors.ErrUnsupported }
func ExactKey(content, typ, project string) [32]byte     { return [32]byte{} }

// Manifest describes a snapshot.
type Manifest struct {
	Schema     string
	Checkpoint Checkpoint
	Files      []ManifestFile
}

// ManifestFile is one file of a snapshot.
type ManifestFile struct {
	Name   string
	Size   int64
	SHA256 string
}

// NewImage is what PutImage opens.
type NewImage struct {
	ID           ID
	Seq          uint64
	Version      uint64
	Created      int64
	Type         string
	Project      string
	Deleted      bool
	Incomplete   bool
	SupersededBy ID
	Text         string
	Exact        *[32]byte
	Payload      []byte
}

// Batch collects changes that become visible together.
type Batch struct{}

func (b *Batch) View() *View                        { return nil }
func (b *Batch) PutImage(i NewImage) error          { return errors.ErrUnsupported }
func (b *Batch) CloseImage(id ID, seq uint64) error { return errors.ErrUnsupported }
func (b *Batch) SetTags(id ID, seq uint64, tags []string) (opened, closed []string, err error) {
	return nil, nil, errors.ErrUnsupported
}
func (b *Batch) OpenTag(id ID, seq uint64, tag string) (bool, error)  { return false, nil }
func (b *Batch) CloseTag(id ID, seq uint64, tag string) (bool, error) { return false, nil }
func (b *Batch) SetAliases(id ID, seq uint64, aliases []string) (opened, closed []string, err error) {
	return nil, nil, errors.ErrUnsupported
}
func (b *Batch) PutOccurrence(id ID, o Occurrence) (bool, error) { return false, nil }
func (b *Batch) CloseOccurrence(id, occ ID, seq uint64) (Occurrence, bool, error) {
	return Occurrence{}, false, nil
}
func (b *Batch) Link(from, to ID, typ string, seq uint64) (bool, error)   { return false, nil }
func (b *Batch) Unlink(from, to ID, typ string, seq uint64) (bool, error) { return false, nil }
func (b *Batch) PutRequest(request string, seq uint64) error              { return nil }
func (b *Batch) PutGroup(group string, seq uint64) error                  { return nil }
func (b *Batch) PutCommand(c Command) error                               { return nil }
func (b *Batch) MarkUndone(seq, at uint64, undone bool) error             { return nil }
func (b *Batch) AddAnomaly(a Anomaly) error                               { return nil }
func (b *Batch) SetReadOnlyReason(reason string) error                    { return nil }
func (b *Batch) AddDigest(element [32]byte)                               {}
func (b *Batch) SubDigest(element [32]byte)                               {}
func (b *Batch) StateDigest() [32]byte                                    { return [32]byte{} }
func (b *Batch) SetCheckpoint(c Checkpoint) error                         { return nil }
func (b *Batch) Checkpoint() Checkpoint                                   { return Checkpoint{} }
func (b *Batch) Commit() error                                            { return nil }
func (b *Batch) Close() error                                             { return nil }

// View reads the index as of one sequence number.
type View struct{}

func (v *View) Seq() uint64                                           { return 0 }
func (v *View) Close() error                                          { return nil }
func (v *View) Doc(id ID) (Doc, bool, error)                          { return Doc{}, false, nil }
func (v *View) Images(id ID) ([]Image, error)                         { return nil, nil }
func (v *View) Occurrences(id ID) ([]Occurrence, error)               { return nil, nil }
func (v *View) LastVersion(id ID) (uint64, error)                     { return 0, nil }
func (v *View) List(f Filter, cursor string, limit int) (Page, error) { return Page{}, nil }
func (v *View) Tags(f Filter) ([]Count, error)                        { return nil, nil }
func (v *View) Types(f Filter) ([]Count, error)                       { return nil, nil }
func (v *View) Projects(f Filter) ([]Count, error)                    { return nil, nil }
func (v *View) ByExact(key [32]byte) ([]ID, error)                    { return nil, nil }
func (v *View) ByAlias(alias string) ([]ID, error)                    { return nil, nil }
func (v *View) Aliases(id ID) ([]string, error)                       { return nil, nil }
func (v *View) Request(request string) (uint64, bool, error)          { return 0, false, nil }
func (v *View) Undone(seq uint64) (bool, error)                       { return false, nil }
func (v *View) Group(group string) ([]uint64, error)                  { return nil, nil }
func (v *View) Commands(session string, before uint64) iter.Seq2[Command, error] {
	return func(func(Command, error) bool) {}
}
func (v *View) Links(id ID) ([]Link, error)      { return nil, nil }
func (v *View) AllLinks() iter.Seq2[Link, error] { return func(func(Link, error) bool) {} }
func (v *View) Search(q Query) ([]Hit, error)    { return nil, nil }
func (v *View) Stats() (Stats, error)            { return Stats{}, nil }
func (v *View) StateDigest() ([32]byte, error)   { return [32]byte{}, nil }
func (v *View) Digest() ([32]byte, error)        { return [32]byte{}, nil }
func (v *View) Docs() iter.Seq2[Doc, error]      { return func(func(Doc, error) bool) {} }
func (v *View) Anomalies() (Anomalies, error)    { return Anomalies{}, nil }
func (v *View) ReadOnlyReason() (string, error)  { return "", nil }

// Page is one page of a list.
type Page struct {
	Docs  []Doc
	Next  string
	Total int
	Seq   uint64
}

// Mode is how a query finds.
type Mode int

// The modes.
const (
	ModeLexical Mode = iota
	ModeExact
)

// Query is a search.
type Query struct {
	Text    string
	Mode    Mode
	Filter  Filter
	Limit   int
	Explain bool
}

// Hit is a found document.
type Hit struct {
	Doc   Doc
	Score float64
	Parts []Part
}

// Part is one term's share of a score.
type Part struct {
	Term   string
	TF, DF int
	IDF    float64
	Score  float64
}
