package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// siteFiles are those of a static model that knows a few words; it is large enough for progress.
func siteFiles() map[string]string {
	words := []string{"[UNK]", "memlog", "cat", "feline", "car"}
	vectors := [][4]float32{{}, {.1, .1, .1, .1}, {1, 0, 0, 0}, {.9, .1, 0, 0}, {0, 1, 0, 0}}
	const rows = 5_000
	var vocab []string
	var table []byte
	for i := range rows {
		v := [4]float32{0, 0, 0, 1}
		word := fmt.Sprintf("w%d", i)
		if i < len(words) {
			v, word = vectors[i], words[i]
		}
		vocab = append(vocab, fmt.Sprintf("%q:%d", word, i))
		for _, x := range v {
			table = binary.LittleEndian.AppendUint32(table, math.Float32bits(x))
		}
	}
	head := fmt.Sprintf(`{"embeddings":{"dtype":"F32","shape":[%d,4],"data_offsets":[0,%d]}}`, rows,
		len(table))
	size := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return map[string]string{
		"config.json": `{"normalize":true}`, "model.safetensors": string(size) + head + string(table),
		"tokenizer.json": `{"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece",` +
			`"unk_token":"[UNK]","vocab":{` + strings.Join(vocab, ",") + `}}}`,
	}
}

// cmdSite serves a model until the script ends, at an address that is put into a variable: site
// VARIABLE. Under the path cut, each response of the table ends within it, as often as a fetch asks
// before it gives up.
func cmdSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: site VARIABLE")
	}
	files := siteFiles()
	var cut atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dir, name := path.Split(r.URL.Path)
		text, ok := files[name]
		if !ok || dir != "/small/" && dir != "/cut/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"1"`)
		if dir == "/cut/" && name == "model.safetensors" && cut.Add(1) <= 5 {
			w = &halved{w, len(text) / 10}
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// halved cuts the connection after some bytes.
type halved struct {
	http.ResponseWriter
	left int
}

func (h *halved) Write(b []byte) (int, error) {
	n, err := h.ResponseWriter.Write(b[:min(len(b), h.left)])
	if h.left -= n; h.left == 0 {
		h.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}
