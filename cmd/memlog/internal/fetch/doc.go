// Package fetch brings files from an HTTP server into a directory, and goes on where it was cut
// off.
//
// # On disk
//
// The files, and fetch.json: the address, and of each file its validator (ETag or Last-Modified),
// its size, how much of it is on the disk and whether that is all. fetch.json is replaced in one
// step that is whole or not at all, and names no byte that was not synced before: what lies behind
// is cut off and fetched again. So a kill or a power cut at any moment costs a few MiB, and never
// leaves a file with a hole.
//
// # Going on
//
// A part is continued with Range and If-Range, which asks the server to send the whole file should
// it be another by now. That takes a strong validator: where the server gives none, or ignores
// ranges, the file begins anew. A file that is whole is asked for with If-None-Match, so that the
// files of one directory belong together.
//
// # What is not trusted
//
// The address: https, or http to this machine's own loopback alone, and without a password. The
// server: a file has a greatest size, which is held against what is announced and what comes; it
// may redirect a few times, never from https to http and never from elsewhere to loopback; it must
// keep sending, or it is given up. What the files say is for the caller to check, before use.
//
// # Concurrency
//
// A directory is for one Run at a time; the caller sees to that.
package fetch
