package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// asked writes a collection in which each word is asked for by one memory and explained by another,
// which is the evidence: by words alone the shorter one, which only asks, comes first. Or else the
// one that asks is the evidence.
func asked(t *testing.T, dir, name string, answers bool) {
	t.Helper()
	var asks, answered, questions strings.Builder
	for i := range 6 {
		word := name + strings.Repeat("q", i+1)
		fmt.Fprintf(&asks, `{"content": "where is the %s kept?", "metadata": {"doc": "asks%d"}}`+"\n",
			word, i)
		fmt.Fprintf(&answered, `{"content": "the %s is kept behind the old wooden cellar door, on the left", `+
			`"metadata": {"doc": "answers%d"}}`+"\n", word, i)
		evidence := "asks"
		if answers {
			evidence = "answers"
		}
		fmt.Fprintf(&questions, `{"question": "where is the %s kept", "category": "c", "evidence": ["%s%d"]}`+
			"\n", word, evidence, i)
	}
	for suffix, text := range map[string]string{memoriesSuffix: asks.String() + answered.String(),
		questionsSuffix: questions.String()} {
		if err := os.WriteFile(filepath.Join(dir, name+suffix), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func crossValidated(t *testing.T, dir string) CrossReport {
	t.Helper()
	r, err := CrossValidate(t.Context(), dir, CrossOptions{
		Open: func(ctx context.Context) (Weighted, error) {
			return store.Open(ctx, t.TempDir(), store.Options{})
		}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is chosen finds more than words alone, and the frozen weights come to what Recall says.
func TestCrossValidate(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ash", "elm", "oak"} {
		asked(t, dir, name, true)
	}
	r := crossValidated(t, dir)
	for _, f := range r.Folds {
		if f.Weights["asks"] >= 0 || f.Chosen.Turn.MRR != 1 || f.Chosen.Questions != 6 {
			t.Errorf("%+v", f)
		}
	}
	if r.Chosen.Questions != 18 || r.Chosen.Turn.MRR != 1 || r.Trials == 0 {
		t.Errorf("%+v", r)
	}
	plain, err := Recall(t.Context(), dir, RecallOptions{
		Open: func(ctx context.Context) (memory.Service, error) {
			return store.Open(ctx, t.TempDir(), store.Options{})
		}})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range append(plain.Collections, plain.Overall) {
		frozen := r.Frozen
		if i < len(r.Folds) {
			frozen = r.Folds[i].Frozen
		}
		if c.Categories = nil; !cmp.Equal(c, frozen) {
			t.Errorf("(-recall +frozen):\n%s", cmp.Diff(c, frozen))
		}
	}
}

// The weights of a fold know nothing of the collection left out.
func TestCrossValidateLeavesOut(t *testing.T) {
	var oak, ash [2]Fold
	for i, answers := range []bool{true, false} {
		dir := t.TempDir()
		asked(t, dir, "ash", true)
		asked(t, dir, "oak", answers)
		r := crossValidated(t, dir)
		ash[i], oak[i] = r.Folds[0], r.Folds[1]
	}
	if !cmp.Equal(oak[0].Weights, oak[1].Weights) {
		t.Errorf("they follow it:\n%s", cmp.Diff(oak[0].Weights, oak[1].Weights))
	}
	if oak[0].Chosen.Turn.MRR != 1 || oak[1].Chosen.Turn.MRR == 1 {
		t.Errorf("on the one left out: %+v, %+v", oak[0].Chosen.Turn, oak[1].Chosen.Turn)
	}
	if cmp.Equal(ash[0].Weights, ash[1].Weights) {
		t.Errorf("they do not follow the others: %v", ash[0].Weights)
	}
}

func TestCrossValidateNeedsTwo(t *testing.T) {
	dir := t.TempDir()
	asked(t, dir, "ash", true)
	if _, err := CrossValidate(t.Context(), dir, CrossOptions{}); memory.CodeOf(err) != memory.CodeInvalid {
		t.Error(err)
	}
}
