// Package models keeps which embedding models a store knows and which one it uses, and opens them.
//
// # On disk
//
// models.json in the store's directory: for each model where it is, its dimensions and digest, and
// the names of the one that makes vectors (active) and of the one that searches use (serving). It
// is replaced in one step that is whole or not at all. A key is not in it, only the name of the
// variable or the path of the file that holds one.
//
// # Failure
//
// A file that cannot be understood is left as it is, and an error: nothing is guessed, nothing
// overwritten. Vectors are in the log and need no file; without it, searches go by words.
//
// A folder whose files are not those that were added is refused: its vectors would be compared
// with those of another model.
package models
