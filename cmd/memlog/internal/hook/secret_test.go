package hook

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// wholeSecret says in one expression what holdsSecret looks for in parts.
var wholeSecret = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|` +
	`\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|` +
	`\bglpat-[\w-]{20,}|\bsk-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{30,}|` +
	`\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|` +
	`(?i)\b(password|passwd|api[_ -]?key|secret|token)\s*(is|[:=])\s*\S{6,}`)

// Both agree about texts made of what keys are made of.
func TestHoldsSecret(t *testing.T) {
	parts := []string{"-----BEGIN ", "RSA ", "PRIVATE KEY-----", "AKIA", "ASIA", "akia",
		"0123456789ABCDEF", "ghp_", "gho_", "ghx_", "github_pat_", "glpat-", "sk-", "SK-", "xoxb-",
		"AIza", "eyJ", ".", "abcdefghijklmnopqrst", "uvwxyzABCDEFGHIJ", "Password", "passwd", "API-key",
		"api_key", "apikey", "secret", "TOKEN", "tokens", " ", "\n", " is ", ":", "=", "hunter2hun",
		"_", "-", "é", "K"}
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	const tried = 100_000
	for range tried {
		var b strings.Builder
		for range 1 + r.IntN(7) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		want := wholeSecret.MatchString(b.String())
		if got := holdsSecret(b.String()); got != want {
			t.Fatalf("%q: %v, want %v", b.String(), got, want)
		}
		if want {
			found++
		}
	}
	if found < tried/100 || found > tried*9/10 {
		t.Errorf("%d of %d hold one: they try little", found, tried)
	}
}

func BenchmarkHoldsSecret(b *testing.B) {
	for name, piece := range map[string]string{"plain": "a", "words": "the token sk-is secret, "} {
		text := strings.Repeat(piece, memory.MaxContent/len(piece))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				holdsSecret(text)
			}
		})
		b.Run(name+" whole", func(b *testing.B) {
			for b.Loop() {
				wholeSecret.MatchString(text)
			}
		})
	}
}
