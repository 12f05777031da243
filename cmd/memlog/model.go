package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// modelPoll is how often model use --wait looks how far the vectors have come.
const modelPoll = 100 * time.Millisecond

func modelCommand() *command {
	exits := []int{exitDamaged, exitNotFound, exitConflict, exitBusy}
	return &command{
		name: "model", group: "Look after",
		summary: "Embedding models, which find memories by what they mean",
		about: `
A store works without one. With one, every memory gets a vector, in the background while the store
has an owner, and searches use it beside the words. Vectors are in the log: they are made once, and
those of two models are never compared. A model is a setting of the store and not part of the log.`,
		examples: []string{
			`memlog model add ~/models/potion-base-8M`,
			`memlog model add https://models.example.com/potion-base-8M`,
			`memlog model add --server http://localhost:11434/api/embed --model nomic-embed-text`,
			`memlog model use potion-base-8M --wait`,
		},
		exits: exits,
		subs: []*command{
			{
				name: "add", args: "[DIR|URL]", min: 0, max: 1, exits: exits, run: modelAdd,
				summary: "Check a model and make it known",
				about: `
DIR is a folder of a static model as model2vec writes it: model.safetensors, tokenizer.json and
config.json. URL is the address of such a folder: https, or http on this machine's loopback. Its
files are fetched now, into models/ in the store, and never again; nothing is used before all of it
is there and was checked. What was cut off goes on where it was when the same command is given
again. A server that sends next to nothing for --timeout is given up after a few attempts.

--server names a server's address instead, ending in /v1/embeddings (OpenAI's form) or /api/embed
(Ollama's). The model embeds one text; its dimensions and a folder's digest are noted. The key of a
server is read, when it is needed, from a variable of the store's owner or a file.`,
				flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "`NAME` to use it by (default: the folder's, the " +
						"last part of URL, or --model)"},
					&cli.StringFlag{Name: "digest", Usage: "refuse what is fetched from URL unless its digest " +
						"is `SHA256`"},
					&cli.StringFlag{Name: "server", Usage: "address of a server, `URL`"},
					&cli.StringFlag{Name: "model", Usage: "`NAME` of the model on the server"},
					&cli.StringFlag{Name: "key-env", Usage: "variable that holds the server's key, `VAR`"},
					&cli.StringFlag{Name: "key-file", Usage: "or the `FILE` that holds it"},
					&cli.IntFlag{Name: "dims", Usage: "ask the server for `N` dimensions"},
				},
			},
			{name: "list", summary: "List the models that are known", exits: exits, run: modelList},
			{
				name: "use", args: "NAME|none", min: 1, max: 1, exits: exits, run: modelUse,
				summary: "Have a model make the vectors, or none",
				about: `
Searches use the model before it until every memory has a vector of the new one. That goes on in the
background while the store has an owner (memlog status), and where it was after a crash; --wait
stays until it is done. Vectors of earlier models stay in the log, so that going back is quick.`,
				flags: []cli.Flag{
					&cli.BoolFlag{Name: "wait", Usage: "until every memory has its vector"},
				},
			},
			{name: "status", summary: "Say which model is used and how far it has come", exits: exits,
				run: modelStatus},
		},
	}
}

func modelAdd(ctx context.Context, c *call) error {
	req, url, err := c.modelRequest()
	if err != nil {
		return err
	}
	svc, err := c.writer(ctx)
	if err != nil {
		return err
	}
	if url != "" {
		if err := c.fetchModel(ctx, svc, url, &req); err != nil {
			return err
		}
	}
	res, err := svc.ModelAdd(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		p.model(res)
		p.line("memlog model use %s uses it", res.Name)
	})
}

// modelRequest reads which model is to be added; url is where its folder is to be fetched from, if
// it is.
func (c *call) modelRequest() (req memory.ModelAddRequest, url string, err error) {
	req = memory.ModelAddRequest{Name: c.str("name"), Server: c.str("server"), Model: c.str("model"),
		KeyEnv: c.str("key-env")}
	if req.Dims, err = c.positive("dims"); err != nil {
		return req, url, err
	}
	if len(c.args) == 1 && strings.Contains(c.args[0], "://") {
		return req, c.args[0], c.checkFetch(c.args[0])
	}
	if c.isSet("digest") {
		return req, url, memory.Invalid("--digest", "goes with the URL of files to be fetched")
	}
	if len(c.args) == 1 {
		if req.Dir, err = filepath.Abs(c.args[0]); err != nil {
			return req, url, err
		}
	}
	if name := c.str("key-file"); name != "" {
		req.KeyFile, err = filepath.Abs(name)
	}
	return req, url, err
}

func modelList(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Models(ctx)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		if len(res.Models) == 0 {
			p.line("no models: memlog model add makes one known")
		}
		for _, m := range res.Models {
			p.model(m)
		}
	})
}

func modelUse(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.ModelUse(ctx, memory.ModelUseRequest{Name: c.args[0]})
	show := c.bar.progress()
	for err == nil && c.yes("wait") && (res.Active != res.Serving || res.Lacking > res.Refused) {
		if res.Error != "" {
			return memory.Errorf(memory.CodeFailed, "%s", res.Error).
				WithHint("what is embedded stays; it is tried again while the store has an owner")
		}
		if show != nil {
			show("vectors", int64(res.Memories-res.Lacking), int64(res.Memories))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(modelPoll):
		}
		res, err = svc.Models(ctx)
	}
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.models(res) })
}

func modelStatus(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Models(ctx)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.models(res) })
}

// model shows one model.
func (p *page) model(m memory.ModelInfo) {
	state := ""
	switch {
	case m.Active && m.Serving:
		state = ", in use"
	case m.Active:
		state = ", makes vectors"
	case m.Serving:
		state = ", searches use it"
	}
	p.strong(m.Name)
	from := m.Dir
	if m.Kind == memory.ModelServer {
		from = m.Server + ", model " + m.Model
	}
	p.field("from", from)
	p.field("vectors", fmt.Sprintf("%d, of %d dimensions%s", m.Vectors, m.Dims, state))
	if m.Digest != "" {
		p.field("digest", m.Digest)
	}
}

// models shows how far the model in use has come.
func (p *page) models(r memory.ModelsResult) {
	switch {
	case r.Active == "" && r.Error != "":
		p.field("models", r.Error)
		return
	case r.Active == "":
		p.line("no model is used: searches go by words")
		return
	}
	p.field("model", r.Active)
	p.field("vectors", fmt.Sprintf("%d of %s", r.Memories-r.Lacking,
		plural(r.Memories, "memory")))
	if r.Refused > 0 {
		p.field("refused", fmt.Sprintf("%d: the model makes no vector of their text", r.Refused))
	}
	switch {
	case r.Serving == "":
		p.field("searches", "by words, until the vectors are whole")
	case r.Serving != r.Active:
		p.field("searches", "by "+r.Serving+", until the vectors are whole")
	}
	if r.Error != "" {
		p.field("stands", r.Error)
	}
}
