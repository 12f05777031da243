// Command peers measures memlog's index side by side with other Go libraries, in one process and
// on the same vectors and texts: chromem-go for vectors, bleve for words.
//
//	go run . --n 100000 --queries 200
//
// It is a module of its own, so that memlog carries none of them.
package main
