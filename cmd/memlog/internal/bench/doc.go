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
// # Concurrency and failure
//
// A measure runs its processes, and has ended all of them when it returns, also when its context
// ends early. An answer that is an error fails the measure: nothing that did not work is timed.
package bench
