// Package memory is the contract between what people and agents call and what keeps their
// memories: the [Service] interface, the values it takes and returns, its errors and its limits.
// It holds no implementation. Package store serves it from local disk; the command line and the
// MCP server call it and know nothing else.
//
// The JSON names of the types here are what scripts and MCP clients see. They are contracts: a
// name may be added, none is changed or removed.
//
// # Concurrency
//
// Every method of a [Service] may be called by any number of goroutines at once. A mutating call
// returns after its record is durable; a read that starts after it sees it.
//
// # Errors
//
// Every error a caller may want to tell apart is or wraps an [*Error] with a [Code]. Other errors
// are failures of the machine or defects, and mean [CodeFailed].
package memory
