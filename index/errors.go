package index

import "errors"

// Errors a caller may ask for with errors.Is.
var (
	// ErrBroken: this generation cannot be used (damaged files, full disk). Rebuild it from the
	// log, or reopen once there is room. The text names the cause.
	ErrBroken = errors.New("index is broken")
	// ErrOutdated: the generation was made by another version of the key space or of the text
	// analysis. Rebuild it from the log.
	ErrOutdated = errors.New("index is outdated")
	// ErrNotFound: there is no index in that place.
	ErrNotFound = errors.New("no index")
	// ErrInUse: another process, or another DB of this one, has the generation open.
	ErrInUse = errors.New("index is in use")
	// ErrAhead: a view was asked for beyond what has been applied.
	ErrAhead = errors.New("index has not seen that record yet")
	// ErrCursor: the cursor is not one of this list.
	ErrCursor = errors.New("bad cursor")
	// ErrNoTerms: the query has nothing that could be searched for.
	ErrNoTerms = errors.New("query has no words")
	// ErrQueryTooLong: the query has more than MaxQueryTerms distinct terms.
	ErrQueryTooLong = errors.New("query has too many words")
	// ErrPhrase: too many texts have the words of a phrase to be read.
	ErrPhrase = errors.New("phrase is too common")
	// ErrLimit: a limit or a number of neighbours is negative or too large.
	ErrLimit = errors.New("bad limit")
	// ErrMode: the search mode is unknown, or needs Options.Text.
	ErrMode = errors.New("search mode is not available")
	// ErrSpaces: there are MaxSpaces spaces of vectors already.
	ErrSpaces = errors.New("too many embedding models")
	// ErrDims: a query's vector has another number of dimensions than the space.
	ErrDims = errors.New("vector of other dimensions")
	// ErrSnapshot: a snapshot is not as it was made.
	ErrSnapshot = errors.New("snapshot is damaged")
	// ErrClosed: the DB or the batch was closed.
	ErrClosed = errors.New("index is closed")
)
