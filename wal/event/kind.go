package event

// Kind names what an event says. The text is what stands in the log and in `memlog log --json`.
type Kind string

// The kinds this version knows. A kind is never renamed or reused.
const (
	KindStored     Kind = "stored"     // a memory came to be
	KindUpdated    Kind = "updated"    // a memory got a new version
	KindReverted   Kind = "reverted"   // a memory went back to an earlier version (undo, revert)
	KindDeleted    Kind = "deleted"    // a memory was deleted and left a tombstone
	KindRestored   Kind = "restored"   // a deleted memory came back
	KindRetracted  Kind = "retracted"  // a memory was taken back as if never stored (undo, revert)
	KindRepeated   Kind = "repeated"   // what a memory says was said again
	KindUnrepeated Kind = "unrepeated" // a repetition was taken back (undo, revert)
	KindLinked     Kind = "linked"     // two memories were linked
	KindUnlinked   Kind = "unlinked"   // a link was taken away
	KindUndone     Kind = "undone"     // commands were marked as undone (bookkeeping of undo)
	KindDigested   Kind = "digested"   // the state digest at a sequence number was noted
	KindEmbedded   Kind = "embedded"   // a vector of a memory's version arrived
)

// ignorable says which known kinds a reader may skip without being wrong about any memory.
func ignorable(k Kind) bool {
	switch k {
	case KindUndone, KindDigested, KindEmbedded:
		return true
	default:
		return false
	}
}
