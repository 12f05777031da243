package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/bench"
	"memlog/cmd/memlog/internal/memory"
)

// crossValidate is bench recall --cross-validate.
func (c *call) crossValidate(
	ctx context.Context, mode memory.Mode, fresh func(context.Context) (bench.Weighted, error),
) error {
	if mode != "" && mode != memory.ModeHybrid {
		return memory.Invalid("--cross-validate", "mode %s has no weights", mode).
			WithHint("leave --mode out")
	}
	if c.yes("combined") {
		return memory.Invalid("--cross-validate", "a collection left out has a store of its own").
			WithHint("leave --combined out")
	}
	report, err := bench.CrossValidate(ctx, c.args[0], bench.CrossOptions{
		Progress: c.bar.progress(), Open: fresh,
	})
	if err != nil {
		return err
	}
	for _, n := range report.Notes {
		c.note("%s", n)
	}
	return c.emit(report, func(p *page) { p.crossValidation(report) })
}

func (p *page) crossValidation(r bench.CrossReport) {
	row := func(name string, s bench.Score) {
		t := s.Turn
		p.line("  %-34s %6.3f %6.3f %6.3f %6.3f %6.3f", name, t.Frac5, t.Frac10, t.MRR, t.NDCG10,
			s.Window2.Frac5)
	}
	head := func(name string, questions int) {
		p.line("%-36s %6s %6s %6s %6s %6s", fmt.Sprintf("%s: %s", name,
			plural(questions, "question")), "frac@5", "@10", "mrr", "ndcg", "window")
	}
	for _, f := range r.Folds {
		head(f.LeftOut, f.Chosen.Questions)
		row("weights chosen on the others", f.Chosen)
		row("weights searches go by", f.Frozen)
		p.line("  chosen: %s", weightsLine(f.Weights))
	}
	head(r.Chosen.Name, r.Chosen.Questions)
	row("weights chosen on the others", r.Chosen)
	row("weights searches go by", r.Frozen)
	p.line("  searches go by: %s", weightsLine(r.By))
}

// weightsLine names the weights that are not 0, in order of their names.
func weightsLine(w map[string]float64) string {
	var parts []string
	for name, weight := range w {
		if weight != 0 {
			parts = append(parts, fmt.Sprintf("%s %v", name, weight))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
