// Package httpserver puts an MCP endpoint on a TCP address and guards it: who may call, under which
// names, how much and how often. It knows HTTP alone; the protocol is package mcpserver's.
//
//	/mcp      the endpoint
//	/healthz  whether the store answers: 200 "ok", or 503; no token, nothing private
//	/metrics  what is measured of the store and counted here, in Prometheus' text format
//
// # Who may call
//
// Each of these is checked before a byte of the body is read, in this order:
//
//   - The address is a loopback one, unless [Options].Remote says otherwise.
//   - Host names this server: an address, localhost, or a name in [Options].Hosts. A page that had
//     its own name resolve to this machine (DNS rebinding) comes with that name. On a loopback
//     address, only loopback addresses are taken.
//   - Origin, which browsers send, is absent or names this server likewise. No answer has the
//     headers that would let a page of another origin read it.
//   - Authorization is "Bearer" and the token, compared in constant time. [Token] reads it from a
//     file that only its user can read, and makes that on first use.
//   - The rate is not exceeded; refusals have a rate of their own, so that those who are refused
//     take nothing from those who are let in.
//
// # Limits
//
// Bodies, headers, connections, calls and streams are bounded, in bytes, in number and in time; see
// the constants. What exceeds one is refused with 413, 408, 429 or 503, a sentence, and where
// waiting helps a Retry-After. Nothing of a request that was refused is carried out.
//
// # Ending
//
// When its context ends, [Server.Serve] takes no more connections, ends streams at once and answers
// the calls under way for at most drainWait. Then it cancels what is left and returns.
//
// # Concurrency
//
// A goroutine a connection, all net/http's. All methods of a server are safe for concurrent use.
package httpserver
