package index

// Weights is how much each signal of a hybrid search counts. Each signal is scaled to about 0..1
// over the candidates of one query, and the score is their sum with these weights: a convex
// combination but for its scale (Bruch, Gai, Ingber, An Analysis of Fusion Functions for Hybrid
// Retrieval, TOIS 2023), which was as good as or better than rank fusion wherever both were
// measured.
type Weights struct {
	Words    float64 // BM25 of the text itself
	Before   float64 // BM25 of the neighbour before, and after: what a short text answers
	After    float64
	Beside   float64 // of the second neighbours on both sides
	Linked   float64 // BM25 of the best text it is linked with
	Coverage float64 // share of the query's words that the text and its neighbours have
	Session  float64 // BM25 of the session
	Date     float64 // the date the query names is the memory's
	Speaker  float64 // who says it is named in the query
	Asks     float64 // a text that only asks answers nothing
	Time     float64 // "when" is answered with words of time
	Number   float64 // "how many" with a number
	Topic    float64 // nearness among the topics learned from the texts, where these are long
	Feedback float64 // BM25 of the words that the best have in common
	Recent   float64 // newest memory first, where all else is equal
	Project  float64 // of the project the caller is in
}

// DefaultWeights returns the weights that searches go by, the only place that has them.
//
// They were found by coordinate ascent on shares of evidence found at 5 and 10, MRR, windows and
// nDCG@10, over five conversations and two collections of abstracts at the same time, and rounded.
// The optimum is flat: no single weight moved by a third changes a figure by more than a point.
// memlog bench recall measures any other collection, and with --cross-validate what weights found
// without a collection come to on it.
//
// The weight of topics came later, with all others as they were: from 1.0 to 2.5 both collections
// of abstracts gain 0.007 to 0.02 of nDCG@10, and what is best for one of them is within that for
// the other. On conversations topics cost half a point of what is found in the first 5. That of
// links is what the neighbour before is worth: no collection has links to measure it by.
func DefaultWeights() Weights {
	return Weights{
		Words:    1,
		Before:   0.20,
		After:    0.15,
		Beside:   0.30,
		Linked:   0.20,
		Coverage: 0.70,
		Session:  0.95,
		Date:     4,
		Speaker:  0.30,
		Asks:     -1,
		Time:     0.5,
		Number:   0.4,
		Topic:    1.8,
		Feedback: 0.75,
		Recent:   0.02,
		Project:  0.05,
	}
}

// scaleSuperseded is what is left of a score where another memory stands in for this one.
const scaleSuperseded = 0.5

// What the nearest vector to a query is worth, by the kind of embedder (Meaning.Weight). These two
// were not found by ascent: they follow from published figures of such models alone (a table of
// tokens' vectors retrieves worse than BM25, a model that reads the text about as well or better),
// so that the first settles what words leave open and the second can bring up what they miss.
const (
	WeightStatic = 0.4
	WeightServer = 1.0
)

const (
	// candidates is how many texts are ranked by all signals, after words chose them.
	candidates = 300
	// feedbackTexts and feedbackTerms bound pseudo-relevance feedback.
	feedbackTexts, feedbackTerms = 6, 50
	// maxSessionDocs is the length from which a session is an import rather than a conversation, and
	// says nothing about its members.
	maxSessionDocs = 256
	// maxCoverTerms is how many words of a query coverage counts: the rarest.
	maxCoverTerms = 63
	// recentHalf is the age in microseconds at which a memory is worth half as recent.
	recentHalf = 30 * 24 * 60 * 60 * 1e6
)

// Two lengths, in words, at which things turn: shortText, from which neighbours matter less than
// the text itself, and longTexts, the mean length at which a store's texts are documents rather
// than notes. BM25 then saturates later and normalises more, and feedback is worth more.

// A search is weak where the best weakHits hits cover less than weakCovers of the query's words, by
// weight. Measured on the development collections, each by itself: of questions that a store
// answers about 2 to 10 in a hundred are called weak, of those asked of a store of other people
// or subjects half to 90.
const (
	weakHits   = 3
	weakCovers = 0.25
)

const (
	shortText = 45.0
	longTexts = 60.0
)

// The parameters of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009) for
// notes, and what they move by for documents.
const (
	bm25K1, bm25K1Long             = 0.9, 0.8
	bm25B, bm25BLong               = 0.4, 0.4
	feedbackShort, feedbackForLong = 0.3, 0.7
)

// longness is 0 for a store of notes and 1 for one of documents, by the mean length of its texts.
func longness(mean float64) float64 {
	square := float64(mean * mean)
	return square / (square + longTexts*longTexts)
}

// nearness is what neighbours of a text of that length are worth.
func nearness(length uint32) float64 {
	x := float64(length) / shortText
	return 1 / (1 + float64(x*x))
}
