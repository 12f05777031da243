// Package doctor says how a store, its owner and its registration with Claude Code are, on one
// screen, and what to do about what is wrong.
//
// A [Report] is gathered by the caller, part by part, each of which may fail: what failed is a
// problem of the report, not an error. [Report.Judge] adds the problems that the parts show.
// [Report.Public] is the report for strangers: of memories it never had anything, and it is without
// sessions, names of projects, command lines and the home directory.
package doctor
