// Package models keeps which embedding models a store knows and which one it uses, opens them, and
// fetches static ones from a server when it is told to.
//
// # On disk
//
// models.json in the store's directory: for each model where it is, its dimensions and digest, and
// the names of the one that makes vectors (active) and of the one that searches use (serving). It
// is replaced in one step that is whole or not at all. A key is not in it, only the name of the
// variable or the path of the file that holds one.
//
// models/, where something was fetched: a folder for each model, NAME.part while it is not whole
// (see package fetch), and .lock, which is held meanwhile and never removed. A folder gets its name
// when all files are there and have been loaded once. A model in there is named by its path from
// the store, and so is found where the store is moved.
//
// # Failure
//
// A file that cannot be understood is left as it is, and an error: nothing is guessed, nothing
// overwritten. Vectors are in the log and need no file; without it, searches go by words.
//
// A folder whose files are not those that were added is refused: its vectors would be compared
// with those of another model.
package models
