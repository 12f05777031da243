package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a server is asked.
const (
	DefaultBatch    = 32               // texts of one request
	DefaultDeadline = 60 * time.Second // of one request
	MaxAttempts     = 5
	MaxResponse     = 64 << 20 // bytes
	maxErrorText    = 300
	firstBackoff    = 250 * time.Millisecond
	maxBackoff      = 10 * time.Second
)

// ErrServer is wrapped by every error about what a server answered.
var ErrServer = errors.New("embedding server")

// ServerOptions of NewServer.
type ServerOptions struct {
	URL      string        // ends in /v1/embeddings, or in /api/embed for Ollama's own form
	Model    string        // as the server names it
	Dims     int           // what vectors must have; 0: what the first one has
	KeyEnv   string        // an environment variable that holds the key
	KeyFile  string        // or a file that does
	Batch    int           // 0: DefaultBatch
	Deadline time.Duration // 0: DefaultDeadline
	Backoff  time.Duration // before the second attempt; 0: a quarter of a second
	Client   *http.Client  // nil: one of its own
}

// Server is a model behind HTTP.
type Server struct {
	o      ServerOptions
	ollama bool
	key    string
}

// NewServer checks the options and reads the key. It asks the server nothing.
func NewServer(o ServerOptions) (*Server, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: url %.80q is not one like http://localhost:11434/api/embed",
			ErrServer, o.URL)
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w: url holds a password: give the key as a variable or a file",
			ErrServer)
	}
	s := &Server{o: o, ollama: strings.HasSuffix(u.Path, "/api/embed")}
	switch {
	case !s.ollama && !strings.HasSuffix(u.Path, "/embeddings"):
		return nil, fmt.Errorf("%w: url %.80q ends in neither /v1/embeddings nor /api/embed", ErrServer,
			o.URL)
	case o.Model == "":
		return nil, fmt.Errorf("%w: no model is named", ErrServer)
	case o.Dims < 0 || o.Dims > MaxDims:
		return nil, fmt.Errorf("%w: %d dimensions, at most %d", ErrServer, o.Dims, MaxDims)
	}
	if s.key, err = readKey(o); err != nil {
		return nil, err
	}
	if s.o.Client == nil {
		s.o.Client = &http.Client{}
	}
	s.o.Batch = orElse(o.Batch, DefaultBatch)
	s.o.Deadline, s.o.Backoff = orElse(o.Deadline, DefaultDeadline), orElse(o.Backoff, firstBackoff)
	return s, nil
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func readKey(o ServerOptions) (string, error) {
	key := ""
	switch {
	case o.KeyEnv != "" && o.KeyFile != "":
		return "", fmt.Errorf("%w: the key is in a variable or in a file, not in both", ErrServer)
	case o.KeyEnv != "":
		key = os.Getenv(o.KeyEnv)
		if key == "" {
			return "", fmt.Errorf("%w: the variable %s, which holds the key, is not set", ErrServer,
				o.KeyEnv)
		}
	case o.KeyFile != "":
		b, err := os.ReadFile(o.KeyFile)
		if err != nil {
			return "", fmt.Errorf("%w: read the key: %w", ErrServer, err)
		}
		if key = strings.TrimSpace(string(b)); key == "" {
			return "", fmt.Errorf("%w: the key file %s is empty", ErrServer, o.KeyFile)
		}
	}
	if strings.ContainsAny(key, "\r\n") {
		return "", fmt.Errorf("%w: the key has more than one line", ErrServer)
	}
	return key, nil
}

// Identity names the model: what its vectors are compared under.
func (s *Server) Identity() string { return "server:" + s.o.URL + "#" + s.o.Model }

// Embed returns the vectors of texts, in their order: all of them or an error. It asks in batches,
// and again, later and later, where the server is busy or away.
func (s *Server) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	var out [][]float32
	dims := s.o.Dims
	for from := 0; from < len(texts); from += s.o.Batch {
		batch := texts[from:min(len(texts), from+s.o.Batch)]
		vectors, err := s.attempts(ctx, batch)
		if err == nil {
			dims, err = s.check(vectors, len(batch), dims)
		}
		if err != nil {
			return nil, fmt.Errorf("%w %s, model %s: %w", ErrServer, s.o.URL, s.o.Model, err)
		}
		out = append(out, vectors...)
	}
	return out, nil
}

// check refuses what cannot be compared later.
func (s *Server) check(vectors [][]float32, want, dims int) (int, error) {
	if len(vectors) != want {
		return 0, fmt.Errorf("it gave %d vectors for %d texts", len(vectors), want)
	}
	for n, v := range vectors {
		if dims == 0 {
			dims = len(v)
		}
		if len(v) != dims || dims == 0 || dims > MaxDims {
			return 0, fmt.Errorf("vector %d has %d dimensions, not %d", n, len(v), dims)
		}
		any := false
		for i, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return 0, fmt.Errorf("vector %d: dimension %d is not a finite number", n, i)
			}
			any = any || x != 0
		}
		if !any {
			return 0, fmt.Errorf("vector %d is all zero", n)
		}
	}
	return dims, nil
}

// passing is an error that another attempt may not meet.
type passing struct {
	err   error
	after time.Duration // as the server asked
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// Passing reports whether err is of a server that is away or busy, and no word about the texts.
func Passing(err error) bool {
	var p *passing
	return errors.As(err, &p) || errors.Is(err, context.DeadlineExceeded)
}

func (s *Server) attempts(ctx context.Context, texts []string) ([][]float32, error) {
	wait := s.o.Backoff
	for n := 1; ; n++ {
		vectors, err := s.once(ctx, texts)
		var p *passing
		if err == nil || !errors.As(err, &p) || n == MaxAttempts || ctx.Err() != nil {
			if n > 1 && err != nil {
				err = fmt.Errorf("%w (after %d attempts)", err, n)
			}
			return vectors, err
		}
		timer := time.NewTimer(min(max(wait, p.after), maxBackoff))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(ctx.Err(), err)
		}
		wait *= 2
	}
}

// once asks one time.
func (s *Server) once(ctx context.Context, texts []string) ([][]float32, error) {
	body := map[string]any{"model": s.o.Model, "input": texts}
	if s.ollama {
		body["truncate"] = false // it cuts long texts in silence otherwise
	} else {
		body["encoding_format"] = "float"
	}
	if s.o.Dims > 0 {
		body["dimensions"] = s.o.Dims
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.URL, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	res, err := s.o.Client.Do(req)
	if err != nil {
		return nil, &passing{err: err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, MaxResponse+1))
	switch {
	case err != nil:
		return nil, &passing{err: fmt.Errorf("read its answer: %w", err)}
	case len(answer) > MaxResponse:
		return nil, fmt.Errorf("its answer has more than %d bytes", MaxResponse)
	case res.StatusCode != http.StatusOK:
		return nil, s.refused(res, answer)
	}
	return s.read(answer)
}

// refused is the error of an answer that is not 200. The key, should the server repeat it, is not
// in it.
func (s *Server) refused(res *http.Response, answer []byte) error {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), maxErrorText)]), "?")
	if s.key != "" {
		text = strings.ReplaceAll(text, s.key, "(key)")
	}
	err := fmt.Errorf("it answers %s: %s", res.Status, strings.TrimSpace(text))
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode < 500 {
		return err
	}
	p := &passing{err: err}
	if n, e := strconv.Atoi(res.Header.Get("Retry-After")); e == nil && n > 0 {
		p.after = time.Duration(n) * time.Second
	}
	return p
}

// read takes the vectors out of an answer, in the order of the texts.
func (s *Server) read(answer []byte) ([][]float32, error) {
	var a struct {
		Embeddings [][]*float32 `json:"embeddings"` // Ollama
		Data       []struct {
			Index     int        `json:"index"`
			Embedding []*float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("its answer is not JSON of the expected form: %v", err)
	}
	raw := a.Embeddings
	if !s.ollama {
		raw = make([][]*float32, len(a.Data))
		for _, d := range a.Data {
			if d.Index < 0 || d.Index >= len(raw) || raw[d.Index] != nil {
				return nil, fmt.Errorf("its answer numbers vectors wrongly (%d of %d)", d.Index, len(raw))
			}
			raw[d.Index] = d.Embedding
		}
	}
	out := make([][]float32, len(raw))
	for n, v := range raw {
		for i, x := range v {
			if x == nil {
				return nil, fmt.Errorf("vector %d: dimension %d is null", n, i)
			}
			out[n] = append(out[n], *x)
		}
	}
	return out, nil
}
