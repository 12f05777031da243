package bench

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRank(t *testing.T) {
	names := func(n int, at map[int]string) []string {
		out := make([]string, n)
		for i := range out {
			if out[i] = at[i+1]; out[i] == "" {
				out[i] = "other"
			}
		}
		return out
	}
	log2 := math.Log2
	for name, c := range map[string]struct {
		ranked []string
		wanted map[string]bool
		want   Ranking
	}{
		"nothing found": {wanted: set([]string{"a"})},
		"first": {
			ranked: []string{"a"}, wanted: set([]string{"a"}),
			want: Ranking{Frac5: 1, Frac10: 1, Frac20: 1, Any5: 1, Any10: 1, Any20: 1, All5: 1,
				All10: 1, All20: 1, MRR: 1, NDCG10: 1},
		},
		"two of four, at 5 and 11": {
			ranked: names(30, map[int]string{5: "a", 11: "b"}),
			wanted: set([]string{"a", "b", "c", "d"}),
			want: Ranking{Frac5: .25, Frac10: .25, Frac20: .5, Any5: 1, Any10: 1, Any20: 1,
				MRR: .2, NDCG10: 1 / log2(6) / (1 + 1/log2(3) + 1/log2(4) + 1/log2(5))},
		},
		"beyond twenty": {
			ranked: names(30, map[int]string{25: "a"}), wanted: set([]string{"a"}),
			want: Ranking{MRR: .04},
		},
	} {
		got := rank(c.ranked, c.wanted)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSessionsKeepTheOrderOfTheirBest(t *testing.T) {
	got := sessions([]string{"D2:1", "17", "D1:9", "D2:4", "17"})
	if diff := cmp.Diff([]string{"D2", "17", "D1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A mean over questions is not one over categories.
func TestScoreIsTheMeanOverQuestions(t *testing.T) {
	ts := tallies{}
	ts.add("a", tally{n: 1, turn: Ranking{MRR: 1}})
	for range 3 {
		ts.add("b", tally{n: 1, window: Window{1}})
	}
	s := ts.score("x")
	if s.Questions != 4 || s.Turn.MRR != .25 || s.Window2.Frac5 != .75 ||
		s.Categories["a"].Turn.MRR != 1 || s.Categories["b"].Questions != 3 {
		t.Errorf("%+v", s)
	}
}
