package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/bench"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

func benchRecallCommand() *command {
	return &command{
		name: "recall", args: "DIR", min: 1, max: 1, run: runBenchRecall,
		summary: "How well the search finds what questions ask for",
		about: `
DIR holds collections: NAME.memories.jsonl as import reads it, where metadata.dia_id or metadata.doc
names each memory, and NAME.questions.jsonl with lines such as
{"question": "...", "category": "...", "evidence": ["D1:3"]}. Each is imported into a fresh store,
which is thrown away, and each question asked as an MCP client would ask it. Your own store is not
touched.

--cross-validate says what to expect of collections that nobody tuned for. Each is left out in turn:
the weights of a search's signals are chosen on all others, from the words alone, one weight after
the other out of 0, 1/4, 1/2, 1, 2 and 4 times that of the words (below 0 for texts that only
ask), by the mean of frac@5, frac@10, mrr and ndcg@10; then the one left out is measured with them,
and with the weights that searches go by. BM25's parameters stay as they are. It takes minutes.`,
		examples: []string{`memlog bench recall questions/`,
			`memlog bench recall questions/ --combined`,
			`memlog bench recall questions/ --cross-validate`},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "combined", Usage: "all collections in one store"},
			&cli.BoolFlag{Name: "cross-validate",
				Usage: "choose weights on the others, measure on each"},
			&cli.StringFlag{Name: "mode", Usage: "`MODE` of the search (default: hybrid)"},
		},
	}
}

func runBenchRecall(ctx context.Context, c *call) error {
	mode, err := c.mode()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "memlog-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for stores: %w", err)
	}
	defer os.RemoveAll(dir)
	made := 0
	fresh := func(ctx context.Context) (bench.Weighted, error) {
		made++
		s, err := store.Open(ctx, filepath.Join(dir, fmt.Sprint(made)), store.Options{
			Holder: c.holder, Version: version(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	if c.yes("cross-validate") {
		return c.crossValidate(ctx, mode, fresh)
	}
	report, err := bench.Recall(ctx, c.args[0], bench.RecallOptions{
		Combined: c.yes("combined"), Mode: mode, Progress: c.bar.progress(),
		Open: func(ctx context.Context) (memory.Service, error) { return fresh(ctx) },
	})
	if err != nil {
		return err
	}
	for _, n := range report.Notes {
		c.note("%s", n)
	}
	return c.emit(report, func(p *page) {
		for _, s := range report.Collections {
			p.recall(s)
		}
		if len(report.Collections) > 1 {
			p.recall(report.Overall)
		}
	})
}

// recall prints one table of a report.
func (p *page) recall(s bench.Score) {
	p.line("%s: %s, windows of ±2: frac@5 %.3f", s.Name, plural(s.Questions, "question"),
		s.Window2.Frac5)
	p.line("  %-16s %28s %20s %20s %6s %6s", "", "frac@5 @10 @20", "any@5 @10 @20", "all@5 @10 @20",
		"mrr", "ndcg")
	row := func(name string, r bench.Ranking) {
		p.line("  %-16s %14.3f %6.3f %6.3f %8.3f %5.3f %5.3f %8.3f %5.3f %5.3f %6.3f %6.3f", name,
			r.Frac5, r.Frac10, r.Frac20, r.Any5, r.Any10, r.Any20, r.All5, r.All10, r.All20, r.MRR,
			r.NDCG10)
	}
	row("turns", s.Turn)
	row("sessions", s.Session)
	var names []string
	for name := range s.Categories {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if len(names) > 1 {
			row("  "+name, s.Categories[name].Turn)
		}
	}
}
