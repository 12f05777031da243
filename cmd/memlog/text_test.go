package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSafeText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain\ntext ü 日本 👩‍🚀", "plain\ntext ü 日本 👩‍🚀"},
		{"\x1b[31mred\x07", `\x1b[31mred\x07`},
		{"a\rb\x00", `a\x0db\x00`},
		{"a\tb", "a    b"},
		{"c1 \u009b31m", `c1 \u009b31m`},
		{"trojan \u202etxt\u2066", `trojan \u202etxt\u2066`},
		{"bad \xff\xc2", `bad \xff\xc2`},
		{"\u2028\ufeff", `\u2028\ufeff`},
		{"\x7f", `\x7f`},
	} {
		if got := safeText(tt.in); got != tt.want {
			t.Errorf("safeText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzSafeText(f *testing.F) {
	f.Add("x\x1b]0;title\x07\u009b\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := safeText(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is no UTF-8", got)
		}
		for _, r := range got {
			if r < 0x20 && r != '\n' || r >= 0x7f && r <= 0x9f {
				t.Fatalf("safeText(%q) = %q", s, got)
			}
		}
		for _, l := range wrap(got, 20) {
			if columns(l) > 20 {
				t.Fatalf("line %q has %d columns", l, columns(l))
			}
		}
		if c := cut(strings.ReplaceAll(got, "\n", " "), 20); columns(c) > 20 {
			t.Fatalf("cut to %q: %d columns", c, columns(c))
		}
	})
}

func TestWrap(t *testing.T) {
	got := wrap("the quick brown fox\n\n日本語日本語 abcdefghijklmnop", 10)
	want := []string{"the quick", "brown fox", "", "日本語日本", "語", "abcdefghij", "klmnop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "just now"}, {time.Second, "1 second ago"}, {90 * time.Second, "1 minute ago"},
		{50 * time.Hour, "2 days ago"}, {800 * 24 * time.Hour, "2 years ago"},
		{-3 * time.Hour, "in 3 hours"},
	} {
		if got := ago(now.Add(-tt.d), now); got != tt.want {
			t.Errorf("ago %v = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	type inner struct {
		Tags  []string `json:"tags"`
		Notes []string `json:"notes,omitempty"`
	}
	var buf bytes.Buffer
	v := struct {
		List []inner `json:"list"`
		None []int   `json:"none"`
		Text string  `json:"text"`
	}{List: []inner{{}}, Text: "<a> \u009b \x7f ü"}
	if err := writeJSON(&buf, v); err != nil {
		t.Fatal(err)
	}
	want := `{"list":[{"tags":[]}],"none":[],"text":"<a> \u009b \u007f ü"}` + "\n"
	if got := buf.String(); got != want {
		t.Errorf("wrote %s want %s", got, want)
	}
}

func TestParseAge(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"30d": 30 * day, "2w": 14 * day, "12h": 12 * time.Hour, "0d": 0, "1h30m": 90 * time.Minute,
	} {
		if got, err := parseAge(in); err != nil || got != want {
			t.Errorf("parseAge(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "d", "-3d", "-1h", "3 days", "3dx", "3", "99999999999d", "1y"} {
		if got, err := parseAge(in); err == nil {
			t.Errorf("parseAge(%q) = %v, want an error", in, got)
		}
	}
}
