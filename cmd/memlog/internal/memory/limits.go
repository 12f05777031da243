package memory

// The limits of a request. What exceeds one is refused with [CodeInvalid] and nothing is written.
const (
	MaxContent          = 1 << 20   // bytes of a memory's content
	MaxTags             = 100       // tags given with one memory
	MaxTag              = 256       // bytes of a tag
	MaxType             = 256       // bytes of a type, of a memory or a link
	MaxProject          = 1024      // bytes of a project
	MaxMetadata         = 256 << 10 // bytes of metadata
	MaxMetadataDepth    = 64        // levels of nesting of metadata
	MaxAliases          = 100       // aliases of a memory
	MaxAlias            = 1024      // bytes of an alias
	MaxRequestID        = 200       // bytes of a request id
	MaxProvenance       = 1024      // bytes of each other field of an Origin
	MaxBatch            = 10_000    // memories of one store request
	MaxBatchBytes       = 16 << 20  // bytes of content and metadata of one store request
	MaxIDs              = 10_000    // ids of one request
	MaxQuery            = 64 << 10  // bytes of a search query
	DefaultLimit        = 10        // hits and list entries where no limit is given
	MaxLimit            = 10_000    // hits and list entries of one answer
	MaxContext          = 20        // neighbours of a hit on each side
	MaxShownOccurrences = 100       // occurrences shown with a memory
	MaxRejected         = 10_000    // rejected lines of one import that are listed
	MinYear             = 1         // earliest year of a created time
	MaxYear             = 9999      // latest year of a created time
	DefaultThreshold    = 0.8       // similarity from which memories are suggested as duplicates
)
