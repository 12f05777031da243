package embed

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// step changes a text before it is cut.
type step func(string) string

// readNormalizer reads the normalizer of a tokenizer.json; nil changes nothing.
func readNormalizer(raw json.RawMessage) (step, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n struct {
		Type         string
		Normalizers  []json.RawMessage
		CleanText    *bool `json:"clean_text"`
		Chinese      *bool `json:"handle_chinese_chars"`
		StripAccents *bool `json:"strip_accents"`
		Lowercase    *bool `json:"lowercase"`
		Prepend      string
		Content      string
		Pattern      struct{ String *string }
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	switch n.Type {
	case "Sequence":
		return readSequence(n.Normalizers)
	case "BertNormalizer":
		lower := yes(n.Lowercase, true)
		return bert(yes(n.CleanText, true), yes(n.Chinese, true), yes(n.StripAccents, lower), lower), nil
	case "Lowercase":
		return strings.ToLower, nil
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC", "Precompiled", "Nmt": // the precompiled map of SentencePiece is NFKC and little more
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "StripAccents":
		return stripMarks, nil
	case "Strip":
		return strings.TrimSpace, nil
	case "Prepend":
		return func(s string) string { return n.Prepend + s }, nil
	case "Replace":
		if n.Pattern.String == nil {
			return strings.TrimSpace, nil // the pattern of runs of spaces, which are cut at anyway
		}
		return func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) }, nil
	}
	return nil, fmt.Errorf("normalizer %.40q is not supported", n.Type)
}

func readSequence(all []json.RawMessage) (step, error) {
	var steps []step
	for _, raw := range all {
		s, err := readNormalizer(raw)
		if err != nil {
			return nil, err
		}
		if s != nil {
			steps = append(steps, s)
		}
	}
	return func(s string) string {
		for _, next := range steps {
			s = next(s)
		}
		return s
	}, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func yes(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// bert is the normalizer of BERT.
func bert(clean, chinese, accents, lower bool) step {
	return func(s string) string {
		var b strings.Builder
		for _, r := range s {
			switch {
			case clean && (r == 0 || r == unicode.ReplacementChar || isControl(r)):
			case clean && unicode.IsSpace(r):
				b.WriteByte(' ')
			case chinese && isChinese(r):
				b.WriteByte(' ')
				b.WriteRune(r)
				b.WriteByte(' ')
			default:
				b.WriteRune(r)
			}
		}
		s = b.String()
		if accents {
			s = stripMarks(norm.NFD.String(s))
		}
		if lower {
			s = strings.ToLower(s)
		}
		return s
	}
}

func isControl(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

func isChinese(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}

func stripMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
}
