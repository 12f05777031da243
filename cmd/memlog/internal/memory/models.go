package memory

import (
	"context"
	"time"
)

// Limits of embedding models.
const (
	// MaxModels bounds the models that a store knows.
	MaxModels = 32
	// MaxModelName bounds a model's name, in bytes.
	MaxModelName = 100
	// QueryModelWait is how long a search waits for a model; then it answers by words.
	QueryModelWait = 150 * time.Millisecond
)

// Modeler says which embedding models a store knows, and which one is used. They are settings of
// the store: no command of the log, and not undone with one.
type Modeler interface {
	// ModelAdd checks a model by having it embed a text, and notes it. It is not used before
	// ModelUse. The same model under the same name again changes nothing.
	ModelAdd(context.Context, ModelAddRequest) (ModelInfo, error)
	// ModelUse has a model make the vectors of all memories from now on. Searches use the model
	// before it until every memory has its vector.
	ModelUse(context.Context, ModelUseRequest) (ModelsResult, error)
	// Models returns the models that are known, and how far the one in use has come.
	Models(context.Context) (ModelsResult, error)
}

// ModelAddRequest names a folder, or a server and its model.
type ModelAddRequest struct {
	Name    string `json:"name,omitempty"`     // empty: the folder's name, or the server's model's
	Dir     string `json:"dir,omitempty"`      // absolute: a folder of a static model
	Server  string `json:"server,omitempty"`   // URL that ends in /v1/embeddings or /api/embed
	Model   string `json:"model,omitempty"`    // as the server names it
	Dims    int    `json:"dims,omitempty"`     // asked of the server; 0: what it gives
	KeyEnv  string `json:"key_env,omitempty"`  // the variable, of the owner, that holds the key
	KeyFile string `json:"key_file,omitempty"` // absolute: or the file that does
}

// ModelUseRequest names the model to use; "none" uses none, and keeps the vectors there are.
type ModelUseRequest struct {
	Name string `json:"name"`
}

// ModelNone is the name of no model.
const ModelNone = "none"

// The kinds of models.
const (
	ModelStatic = "static"
	ModelServer = "server"
)

// ModelInfo is a model that the store knows. A key is never in it.
type ModelInfo struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // static or server
	Dir      string `json:"dir,omitempty"`
	Server   string `json:"server,omitempty"`
	Model    string `json:"model,omitempty"`
	KeyEnv   string `json:"key_env,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`
	Dims     int    `json:"dims"`
	Digest   string `json:"digest,omitempty"` // of a folder: SHA-256 over its files'
	Identity string `json:"identity"`         // what its vectors are compared under
	Active   bool   `json:"active"`           // it makes the vectors
	Serving  bool   `json:"serving"`          // searches use it
	Vectors  int    `json:"vectors"`          // live memories that have its vector
}

// ModelsResult lists the models, and says how far the active one has come.
type ModelsResult struct {
	Models   []ModelInfo `json:"models"`
	Active   string      `json:"active,omitempty"`
	Serving  string      `json:"serving,omitempty"`
	Memories int         `json:"memories"`        // live
	Lacking  int         `json:"lacking"`         // without a vector of the active model
	Refused  int         `json:"refused"`         // of those: the model makes none of their text
	Error    string      `json:"error,omitempty"` // why it does not go on, until it does
}
