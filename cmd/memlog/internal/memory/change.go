package memory

import (
	"encoding/json"
	"time"
)

// NewMemory is a memory to be stored.
type NewMemory struct {
	ID        ID              `json:"id,omitzero"` // zero: one is made
	Content   string          `json:"content"`
	Tags      []string        `json:"tags,omitempty"`
	Type      string          `json:"type,omitempty"`
	Project   string          `json:"project,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	CreatedAt time.Time       `json:"created_at,omitzero"` // zero: now
	UpdatedAt time.Time       `json:"updated_at,omitzero"` // zero: CreatedAt
	Aliases   []string        `json:"aliases,omitempty"`
}

// StoreRequest stores one or more memories as one command: all of them or none.
type StoreRequest struct {
	Memories []NewMemory `json:"memories"` // 1 to MaxBatch
	Origin   Origin      `json:"origin"`
}

// Stored is what became of one memory of a [StoreRequest].
type Stored struct {
	ID      ID   `json:"id"`
	Created bool `json:"created"` // false: a live memory says this already
}

// StoreResult is the acknowledgement of a [StoreRequest], in its order.
type StoreResult struct {
	Seq     Seq      `json:"seq"`
	Stored  []Stored `json:"stored"`
	Repeats bool     `json:"repeats,omitempty"` // the answer to a request id that was seen before
}

// UpdateRequest changes a memory; nil fields stay as they are. What results is a new version.
type UpdateRequest struct {
	ID        string          `json:"id"`
	Content   *string         `json:"content,omitempty"`
	Tags      *[]string       `json:"tags,omitempty"` // the whole set
	Type      *string         `json:"type,omitempty"`
	Project   *string         `json:"project,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`   // the whole value; null takes it away
	IfVersion uint64          `json:"if_version,omitempty"` // refuse unless it is at this version
	Origin    Origin          `json:"origin"`
}

// DeleteRequest deletes memories as one command: those of IDs, or, where IDs is empty, all that
// Filter selects (one of the two must say something).
type DeleteRequest struct {
	IDs       []string `json:"ids,omitempty"`
	Filter    Filter   `json:"filter"`
	IfVersion uint64   `json:"if_version,omitempty"` // with one id only
	DryRun    bool     `json:"dry_run,omitempty"`
	Origin    Origin   `json:"origin"`
}

// RestoreRequest brings deleted memories back as they were.
type RestoreRequest struct {
	IDs    []string `json:"ids"`
	Origin Origin   `json:"origin"`
}

// LinkRequest links two memories, or takes the link away.
type LinkRequest struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Type   string `json:"type"`
	Remove bool   `json:"remove,omitempty"`
	Origin Origin `json:"origin"`
}

// Change is the acknowledgement of a command that changed memories. Seq is 0 where there was
// nothing to do, and after a dry run.
type Change struct {
	Seq      Seq    `json:"seq"`
	Affected []ID   `json:"affected"`
	Version  uint64 `json:"version,omitempty"` // of the memory an update made
	DryRun   bool   `json:"dry_run,omitempty"`
	Repeats  bool   `json:"repeats,omitempty"`
}

// UndoRequest takes commands back. At most one of Seq, Last, Since and the Session selector is set;
// none means: the newest command not yet undone, of Origin.Session where that is set, else of the
// store. Session with AllOfSession undoes everything a session did.
type UndoRequest struct {
	Seq          Seq       `json:"seq,omitempty"`
	Last         int       `json:"last,omitempty"`
	Since        time.Time `json:"since,omitzero"` // recorded time, inclusive
	AllOfSession string    `json:"all_of_session,omitempty"`
	Force        bool      `json:"force,omitempty"` // also where something changed since
	DryRun       bool      `json:"dry_run,omitempty"`
	Origin       Origin    `json:"origin"`
}

// UndoResult says what an undo did. Left lists what has changed since and was left alone; where it
// is not empty the call also returns an error with [CodeConflict].
type UndoResult struct {
	Seq      Seq             `json:"seq"`
	Undone   []UndoneCommand `json:"undone"`
	Affected []ID            `json:"affected"`
	Left     []LeftAlone     `json:"left,omitempty"`
	DryRun   bool            `json:"dry_run,omitempty"`
	Repeats  bool            `json:"repeats,omitempty"`
}

// UndoneCommand is a command that an undo took back.
type UndoneCommand struct {
	Seq     Seq       `json:"seq"`
	Time    time.Time `json:"time"`
	Kinds   []string  `json:"kinds"`
	Group   string    `json:"group,omitempty"`
	Summary string    `json:"summary"` // one line for people
}

// LeftAlone is a memory that an undo did not touch, and why.
type LeftAlone struct {
	ID     ID     `json:"id"`
	Reason string `json:"reason"`
}

// RevertRequest brings back the state as of a moment by appending the opposite of what came since.
type RevertRequest struct {
	Until  Moment `json:"until"`
	DryRun bool   `json:"dry_run,omitempty"`
	Origin Origin `json:"origin"`
}

// RevertResult says what a revert did.
type RevertResult struct {
	Seq      Seq      `json:"seq"`
	Affected []ID     `json:"affected"`
	Until    Resolved `json:"until"`
	Digest   string   `json:"digest"` // state digest after it, equal to that of the moment
	DryRun   bool     `json:"dry_run,omitempty"`
}

// DuplicatesRequest asks for memories that say nearly the same.
type DuplicatesRequest struct {
	Merge     bool    `json:"merge,omitempty"`     // keep the oldest of each set, with all their tags
	DryRun    bool    `json:"dry_run,omitempty"`   // with Merge: only say what would be done
	Threshold float64 `json:"threshold,omitempty"` // share of words in common; 0: DefaultThreshold
	Origin    Origin  `json:"origin"`
}

// DuplicateSet is a set of memories that say nearly the same. Keep is the one a merge keeps.
type DuplicateSet struct {
	Keep    ID      `json:"keep"`
	Same    []ID    `json:"same"`
	Score   float64 `json:"score"`   // lowest similarity of a member to Keep, 0 to 1
	Content string  `json:"content"` // of Keep
}

// DuplicatesResult lists sets, and what a merge did.
type DuplicatesResult struct {
	Sets     []DuplicateSet `json:"sets"`
	Seq      Seq            `json:"seq"`
	Affected []ID           `json:"affected"`
	DryRun   bool           `json:"dry_run,omitempty"`
}
