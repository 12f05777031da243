// Package memorytest is the conformance suite of [memory.Service]: what the contract promises,
// as tests that every implementation passes, on local disk as over a socket. It knows the
// interface alone and looks at no file.
//
// # What it takes for granted
//
// [Run] is given a function that opens an empty store, another one at each call, and closes it
// when the test ends. Two services of one test may live at the same time. Nothing else writes to
// them. They can reach a server on loopback, which the suite has for embedding models.
//
// # Invariants it holds every refusal against
//
// An error that is the caller's fault has its code, names the argument as the request does, and
// says what to do next; and the head of the log is where it was.
//
// # Concurrency
//
// Tests run one after another; within a test, goroutines call the service at once where the
// contract lets them. No test measures time or sleeps.
//
// # Failure
//
// A test ends at its first broken promise, since what follows would rest on it.
package memorytest
