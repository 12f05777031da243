// Package wal is the log of opaque records, the one truth of a memlog store.
package wal
