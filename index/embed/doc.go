// Package embed turns texts into vectors, and names what made them.
//
// # Models
//
// [Static] is a folder in the form of model2vec (potion and others): a table of one vector a token
// (model.safetensors), how texts become tokens (tokenizer.json, WordPiece or Unigram) and a few
// settings (config.json). A text's vector is the mean of its tokens' vectors: no network, no
// processor of another kind, microseconds.
//
// [Server] is any server that speaks OpenAI's /v1/embeddings or Ollama's /api/embed. It is asked to
// refuse a text that is too long for its model instead of cutting it, in batches, with a deadline
// and again after errors that pass.
//
// # Identity
//
// Vectors are compared only with those of the same model. A folder's identity holds a digest of its
// three files; a server's holds its model's name and its address, since that is all a client can
// know of it.
//
// # Failure
//
// A folder that is not whole is refused when it is loaded, with the file and what is wrong with it.
// A vector that is not finite, all zero or of other dimensions than the model's is refused when it
// is made. Where the tokenizer asks for a step this package does not know, the error names it:
// tokens made otherwise would be found by nobody.
//
// # Concurrency
//
// Models may be used by any number of goroutines.
package embed
