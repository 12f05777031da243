// Package recovery keeps the promises of the log for everything that is derived from it: opening,
// verify, repair, rebuild, replay and snapshots. RECOVERY.md is its specification.
package recovery
