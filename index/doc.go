// Package index keeps the read models on disk, in pebble: documents with all their images, the
// facts about them, and their words. See the end of this comment for what it promises.
package index
