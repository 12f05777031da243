// Package bench measures memlog as its users run it: real processes of the binary, on a store that
// is thrown away, with a reference measured in the same run. One file holds one measure; the
// commands `memlog bench …` print what they return.
//
// # Figures
//
// A figure is the median of several runs, or a quantile of single calls, never the best. What is
// compared is measured in turns, so that a machine that other work shares slows both alike. A goal
// is reported with what was measured beside it, also where it was missed.
//
// # Recall
//
// [Recall] takes a folder of collections. NAME.memories.jsonl holds memories as memlog import reads
// them; metadata.dia_id or metadata.doc of each names it. NAME.questions.jsonl holds, one a line,
// a question, its category and the names of the memories that answer it:
//
//	{"question": "when is the pool closed?", "category": "time", "evidence": ["D1:3"]}
//
// Each collection is imported into a fresh store (or all into one), and each question asked through
// [memory.Service], as an MCP client's would be. Then, with the evidence as what should be found:
//
//	frac@k   share of the evidence among the first k hits
//	any@k    1 where any of it is, all@k where all of it is
//	mrr      1 / rank of the first hit that is evidence, 0 beyond the hundredth
//	ndcg@k   discounted gain of the first k hits against the best order, evidence gains 1
//
// "turn" counts memories. "session" counts sessions, ranked by their best hit: the session of a
// name such as D1:3 is what stands before the colon, a name without one is its own. "window2"
// counts what is shown when each hit brings its two neighbours before and after (frac@5: within 5
// windows; of mode hybrid only). All are means over questions, also the overall ones. Evidence that
// no memory has counts as not found, and is noted: a collection whose names do not fit shows
// itself.
//
// # Cross-validation
//
// [CrossValidate] asks what weights found without a collection come to on it (Stone,
// Cross-Validatory Choice and Assessment of Statistical Predictions, 1974): whether those that
// searches go by fit more than what they were found on. Each trial is the search itself, with
// other weights; a trial that several folds need is made once. The frozen weights were found on
// some collections, so that on these they are ahead by what they know of them: chosen weights
// that do as well or better say that this is little.
//
// # Search
//
// [Search] makes vectors of 384 dimensions in clusters around a common mean, with full-dimensional
// noise inside a cluster: harder to tell apart than what models give. It builds an index of them
// and searches it in a process of its own ([ReadVectors]), so that what that process holds is what
// searching costs; then an exact scan in float32 of all vectors says what should have been found.
//
// # Concurrency and failure
//
// A measure runs its processes, and has ended all of them when it returns, also when its context
// ends early. An answer that is an error fails the measure: nothing that did not work is timed.
package bench
