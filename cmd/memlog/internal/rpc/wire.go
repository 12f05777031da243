package rpc

import (
	"errors"
	"net/http"

	"memlog/cmd/memlog/internal/memory"
)

// The paths of the wire. prefix is followed by a method's name.
const (
	prefix       = "/v1/"
	pathHello    = prefix + "hello"
	pathPresence = prefix + "presence"
)

// The methods that are not one request and one answer.
const (
	methodLog    = "log"
	methodExport = "export"
	methodImport = "import"
)

// The headers of the wire. The values of those that name a client are escaped as in a URL's query.
const (
	headerInstance = "Memlog-Instance" // of the server that the client greeted
	headerProgress = "Memlog-Progress" // "1": send progress frames
	headerName     = "Memlog-Client-Name"
	headerVersion  = "Memlog-Client-Version"
	headerSession  = "Memlog-Client-Session"
	headerProject  = "Memlog-Client-Project"
	headerPID      = "Memlog-Client-Pid"
)

// contentType is that of every body: JSON, an object a line. After a chunk frame raw bytes follow.
const contentType = "application/x-ndjson"

// frame is a line of a body. The last one of a whole body has End.
type frame struct {
	Request  span              `json:"request"`  // first line of an import
	Progress *progress         `json:"progress"` // of long work
	Record   *memory.LogRecord `json:"record"`   // of a log
	Chunk    int64             `json:"chunk"`    // this many bytes follow the line
	Result   span              `json:"result"`   // may come together with Error
	Error    *wireError        `json:"error"`    // ends the answer with End only
	End      bool              `json:"end"`
}

// progress is one call of a [memory.Progress].
type progress struct {
	Stage string `json:"stage"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

// byName is the request of methods that take a name or an id alone.
type byName struct {
	Name string `json:"name"`
}

// nothing is the request of methods that take none.
type nothing struct{}

// wireError is an error as it travels.
type wireError struct {
	Code memory.Code `json:"code"`
	Arg  string      `json:"argument"`
	Msg  string      `json:"message"`
	Hint string      `json:"hint"`
	Text string      `json:"text"` // the whole, where something was said around the error
}

// toWire turns err into its form on the wire; nil stays nil.
func toWire(err error) *wireError {
	var e *memory.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return &wireError{Code: memory.CodeFailed, Msg: err.Error()}
	}
	w := &wireError{Code: e.Code, Arg: e.Arg, Msg: e.Msg, Hint: e.Hint}
	if text := err.Error(); text != e.Error() {
		w.Text = text
	}
	return w
}

// err turns an error of the wire back into a *memory.Error, or one that wraps it.
func (w *wireError) err() error {
	if w == nil {
		return nil
	}
	e := &memory.Error{Code: w.Code, Arg: w.Arg, Msg: w.Msg, Hint: w.Hint}
	if e.Code == "" {
		e.Code = memory.CodeFailed
	}
	if w.Text != "" {
		return &saidAround{w.Text, e}
	}
	return e
}

// saidAround is an error of the contract with what the owner said around it.
type saidAround struct {
	text string
	err  *memory.Error
}

func (e *saidAround) Error() string { return e.text }
func (e *saidAround) Unwrap() error { return e.err }

// statusOf returns the HTTP status of an answer. Clients of this package go by the body alone.
func statusOf(e *wireError) int {
	if e == nil {
		return http.StatusOK
	}
	switch e.Code {
	case memory.CodeInvalid:
		return http.StatusBadRequest
	case memory.CodeNotFound:
		return http.StatusNotFound
	case memory.CodeConflict:
		return http.StatusConflict
	case memory.CodeBusy:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}
