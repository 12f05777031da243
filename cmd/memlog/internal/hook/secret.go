package hook

import (
	"regexp"
	"strings"
	"sync"
)

// secretSpan is how much of a text from the beginning of a key on is looked at, in bytes.
const secretSpan = 4 << 10

// credential is a kind of key: how it begins, in lower case, and what it then looks like. One
// expression for all would take longer than a hook has, for a prompt of a megabyte.
type credential struct {
	begins string
	rest   *regexp.Regexp
}

func begins(with, rest string) credential {
	return credential{with, regexp.MustCompile(`^(?:` + rest + `)`)}
}

// credentials are the kinds of keys that are known. All but the first stand at a word's beginning.
// They are compiled when the first text is looked at.
var credentials = sync.OnceValue(func() []credential {
	return []credential{
		begins("-----begin ", `-----BEGIN [A-Z ]*PRIVATE KEY-----`),
		begins("akia", `AKIA[0-9A-Z]{16}\b`),
		begins("asia", `ASIA[0-9A-Z]{16}\b`),
		begins("gh", `gh[pousr]_[A-Za-z0-9]{20,}`),
		begins("github_pat_", `github_pat_\w{20,}`),
		begins("glpat-", `glpat-[\w-]{20,}`),
		begins("sk-", `sk-[\w-]{20,}`),
		begins("xox", `xox[abprs]-[\w-]{10,}`),
		begins("aiza", `AIza[\w-]{30,}`),
		begins("eyj", `eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}`),
		begins("pass", `(?i)(password|passwd)`+told),
		begins("api", `(?i)api[_ -]?key`+told),
		begins("secret", `(?i)secret`+told),
		begins("token", `(?i)token`+told),
	}
})

// told is what follows the word for a secret where the secret itself does.
const told = `\s*(is|[:=])\s*\S{6,}`

// holdsSecret finds what is most likely a credential: better one memory too few.
func holdsSecret(text string) bool {
	lower := lowerASCII(text)
	for _, c := range credentials() {
		for at := 0; ; at++ {
			next := strings.Index(lower[at:], c.begins)
			if next < 0 {
				break
			}
			at += next
			if c.begins[0] != '-' && at > 0 && wordByte(lower[at-1]) {
				continue
			}
			if c.rest.MatchString(text[at:min(at+secretSpan, len(text))]) {
				return true
			}
		}
	}
	return false
}

// lowerASCII is text in lower case with every byte where it was.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}
