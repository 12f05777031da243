package index

// Filter says which documents a list or a search is about. It is applied inside, never after a
// top-k cut. The zero Filter is every live document. All conditions must hold.
type Filter struct {
	Tags    []string // any of them, or all of them with All
	All     bool
	Type    string
	Project string
	// CreatedFrom and CreatedTo bound the created time, both inclusive, in microseconds since
	// 1970; nil is open. A document also matches by one of its occurrences.
	CreatedFrom *int64
	CreatedTo   *int64
	// RecordedFrom and RecordedTo bound the sequence number that opened the present image, or
	// recorded an occurrence, both inclusive; 0 is open.
	RecordedFrom uint64
	RecordedTo   uint64
	// IncludeDeleted lets tombstones in. They have no tags and no words.
	IncludeDeleted bool
}
