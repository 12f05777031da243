package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"

	"memlog/cmd/memlog/internal/fetch"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/models"
)

// checkFetch refuses, before anything is done, an address that is not fetched from and flags that
// do not go with one.
func (c *call) checkFetch(url string) error {
	if _, err := fetch.Address(url); err != nil {
		return err
	}
	for _, name := range []string{"server", "model", "key-env", "key-file", "dims"} {
		if c.isSet(name) {
			return memory.Invalid("--"+name, "does not go with the URL of files to be fetched").
				WithHint("give URL for the files of a static model, --server for a server that embeds")
		}
	}
	if b, err := hex.DecodeString(c.str("digest")); c.isSet("digest") &&
		(err != nil || len(b) != sha256.Size) {
		return memory.Invalid("--digest", "%.100q is no SHA-256 in hexadecimal", c.str("digest"))
	}
	return nil
}

// fetchModel brings the model at an address into the store's folder of models, and makes req name
// that folder. The store, which has to be there, is not asked to reach any address.
func (c *call) fetchModel(
	ctx context.Context, svc memory.Service, url string, req *memory.ModelAddRequest,
) error {
	known, err := svc.Models(ctx)
	if err != nil {
		return err
	}
	got, err := models.Fetch(ctx, filepath.Join(c.settings.store, models.Folder),
		models.FetchRequest{URL: url, Name: req.Name, Digest: c.str("digest"), Options: fetch.Options{
			Stall: c.settings.timeout, Agent: "memlog/" + version(), Progress: c.fetchProgress(),
			Note: func(text string) { c.note("%s", text) },
		}, Taken: func(name, dir string) bool {
			return slices.ContainsFunc(known.Models, func(m memory.ModelInfo) bool {
				return m.Name == name && m.Dir != dir && (m.Active || m.Serving)
			})
		}})
	if err != nil {
		return err
	}
	if got.Present {
		c.tell("was fetched before: %s", got.Dir)
	}
	req.Dir, req.Name = got.Dir, got.Name
	return nil
}

// fetchProgress shows how far a file has come: as a bar on a terminal, and else by a line for each
// tenth of it.
func (c *call) fetchProgress() memory.Progress {
	if show := c.bar.progress(); show != nil {
		return show
	}
	const tenths = 10
	file, shown := "", int64(0)
	return func(name string, done, total int64) {
		if name != file {
			file, shown = name, 0
		}
		if total <= 0 || done*tenths/total == shown {
			return
		}
		shown = done * tenths / total
		c.tell("%s: %d %%, %d of %d bytes", name, shown*100/tenths, done, total)
	}
}
