package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/blevesearch/bleve/v2"

	"memlog/cmd/memlog/internal/bench"
	"memlog/index"
)

// wordsBatch is how many texts both libraries are given at a time.
const wordsBatch = 1000

func memlogWords(_ context.Context, dir string, n, queries int) (r row, err error) {
	texts, asked := bench.Texts(n, queries)
	db, err := index.Open(dir, index.Options{MemTableBytes: index.RebuildMemTableBytes})
	if err != nil {
		return row{}, fmt.Errorf("memlog: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := time.Now()
	for from := 0; from < n; from += wordsBatch {
		if err := putTexts(db, texts, from, min(n, from+wordsBatch)); err != nil {
			return row{}, fmt.Errorf("memlog: %w", err)
		}
	}
	r = row{name: "words: memlog", build: time.Since(began)}
	v, err := db.View()
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	r.search, err = timed(asked, func(q string) error {
		_, err := v.Search(index.Query{Text: q, Limit: 10})
		return err
	})
	return r, err
}

func putTexts(db *index.DB, texts []string, from, to int) error {
	b, err := db.NewBatch()
	if err != nil {
		return err
	}
	seq := b.Checkpoint().Seq + 1
	for i := from; i < to && err == nil; i++ {
		var id index.ID
		binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
		err = b.PutImage(index.NewImage{ID: id, Seq: seq, Version: 1, Text: texts[i],
			Payload: []byte(texts[i])})
	}
	if err == nil {
		err = b.SetCheckpoint(index.Checkpoint{Seq: seq})
	}
	if err == nil {
		err = b.Commit()
	}
	return errors.Join(err, b.Close())
}

// timed asks each query once, after the first, which loads what is loaded once.
func timed(asked []string, search func(q string) error) (bench.Spread, error) {
	var took []time.Duration
	for i, q := range append(asked[:1:1], asked...) {
		began := time.Now()
		if err := search(q); err != nil {
			return bench.Spread{}, err
		}
		if i > 0 {
			took = append(took, time.Since(began))
		}
	}
	return bench.SpreadOf(took), nil
}

func bleveWords(_ context.Context, dir string, n, queries int) (r row, err error) {
	texts, asked := bench.Texts(n, queries)
	ix, err := bleve.New(dir, bleve.NewIndexMapping())
	if err != nil {
		return row{}, fmt.Errorf("bleve: %w", err)
	}
	defer func() { err = errors.Join(err, ix.Close()) }()
	began := time.Now()
	for from := 0; from < n; from += wordsBatch {
		b := ix.NewBatch()
		for i := from; i < min(n, from+wordsBatch); i++ {
			if err := b.Index(fmt.Sprint(i), map[string]string{"text": texts[i]}); err != nil {
				return row{}, fmt.Errorf("bleve: %w", err)
			}
		}
		if err := ix.Batch(b); err != nil {
			return row{}, fmt.Errorf("bleve: %w", err)
		}
	}
	r = row{name: "words: bleve 2.6.3", build: time.Since(began)}
	r.search, err = timed(asked, func(q string) error {
		_, err := ix.Search(bleve.NewSearchRequestOptions(bleve.NewMatchQuery(q), 10, 0, false))
		return err
	})
	return r, err
}
