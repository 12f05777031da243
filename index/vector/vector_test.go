package vector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func random(r *rand.Rand, dims int) []float32 {
	x := make([]float32, dims)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func rotation(t testing.TB, dims int) *Rotation {
	t.Helper()
	r, err := NewRotation(dims)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encode(t testing.TB, r *Rotation, x []float32) Vector {
	t.Helper()
	v, err := r.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEncodingKeepsDirections(t *testing.T) {
	for _, dims := range []int{1, 2, 3, 63, 100, 127, 128, 129, 300, 384, 768, 1024, MaxDims} {
		rot, r := rotation(t, dims), rand.New(rand.NewPCG(1, uint64(dims)))
		x := random(r, dims)
		v := encode(t, rot, x)
		back, err := rot.Decode(v)
		if err != nil {
			t.Fatal(err)
		}
		norm := length(x)
		for i := range x {
			if d := math.Abs(float64(back[i]) - float64(x[i])/norm); d > 0.02 {
				t.Fatalf("%d dimensions: dimension %d is off by %v", dims, i, d)
			}
		}
		b := v.Append(nil)
		if len(b) != dims+4 {
			t.Fatalf("%d dimensions: %d bytes", dims, len(b))
		}
		got, err := Parse(b)
		if err != nil || got.Scale != v.Scale || !slices.Equal(got.Q, v.Q) {
			t.Fatalf("%d dimensions: parsed %v, %v", dims, got, err)
		}
		if s := v.Query().Similarity(b); s < 0.99 || s > 1.01 {
			t.Fatalf("%d dimensions: similar to itself by %v", dims, s)
		}
		q, err := rot.Query(x)
		if s := q.Similarity(b); err != nil || s < 0.99 || s > 1.01 {
			t.Fatalf("%d dimensions: similar to its query by %v, %v", dims, s, err)
		}
	}
}

// The bytes of the specification: an encoding that changes by a bit would not be encoding 1.
func TestEncodingAsSpecified(t *testing.T) {
	doc, err := os.ReadFile("ENCODING.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (\\d+) \\| `([0-9a-f …]+)` \\| `([0-9a-f]+)` \\|$").
		FindAllStringSubmatch(string(doc), -1)
	if len(rows) < 4 {
		t.Fatalf("%d test vectors in ENCODING.md", len(rows))
	}
	for _, row := range rows {
		dims, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, dims)
		for i := range x {
			x[i] = float32(i%7) - 2.5
		}
		b := encode(t, rotation(t, dims), x).Append(nil)
		sum := sha256.Sum256(b)
		first := hex.EncodeToString(b[:min(8, len(b))])
		if got := hex.EncodeToString(sum[:]); first != strings.TrimSuffix(row[2], " …") || got != row[3] {
			t.Errorf("%d dimensions: encoded to %s, SHA-256 %s", dims, first, got)
		}
	}
	for name, have := range map[string]any{"MaxDims": MaxDims, "maxBlock": maxBlock,
		"rotationSeed": fmt.Sprintf("0x%X", uint64(rotationSeed)), "rounds": rounds} {
		if want := fmt.Sprintf("`%s` = %v", name, have); !strings.Contains(string(doc), want) {
			t.Errorf("ENCODING.md does not say %s", want)
		}
	}
}

func TestBadVectorsAreRefusedByName(t *testing.T) {
	rot := rotation(t, 4)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for want, x := range map[string][]float32{
		"3 dimensions, not 4":                {1, 2, 3},
		"dimension 2 is not a number":        {1, 2, nan, 4},
		"dimension 0 is infinite":            {inf, 2, 3, 4},
		"all dimensions are zero":            {0, 0, 0, 0},
		"0 dimensions, not 4":                nil,
		"5 dimensions, not 4":                {1, 2, 3, 4, 5},
		"dimension 3 is not a number (NaN)":  {1, 2, 3, nan},
		"dimension 1 is infinite":            {1, inf, nan, 4},
		"dimension 0 is not a number (NaN)":  {nan, nan, nan, nan},
		"bad vector: all dimensions are zer": {0, 0, float32(math.Copysign(0, -1)), 0},
	} {
		_, err := rot.Encode(x)
		if !errors.Is(err, ErrVector) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", x, err, want)
		}
	}
	for _, dims := range []int{-1, 0, MaxDims + 1} {
		if _, err := NewRotation(dims); !errors.Is(err, ErrVector) {
			t.Errorf("%d dimensions: %v", dims, err)
		}
	}
	huge := []float32{math.MaxFloat32, math.MaxFloat32, 0, math.SmallestNonzeroFloat32}
	if _, err := rot.Encode(huge); err != nil {
		t.Errorf("huge: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, rotation(f, 3), []float32{1, 2, 3}).Append(nil))
	f.Add([]byte{0, 0, 0, 0, 1})
	f.Add([]byte{0, 0, 0xC0, 0x7F, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrVector) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(v.Append(nil), b) {
			t.Fatal("parsed and appended to other bytes")
		}
		if s := v.Query().Similarity(b); s != s || s < 0 {
			t.Fatalf("similarity %v", s)
		}
	})
}

// clustered returns unit-like vectors as models give them: in clusters, around a common mean.
func clustered(r *rand.Rand, n, dims int) [][]float32 {
	mean := random(r, dims)
	centers := make([][]float32, 40)
	for i := range centers {
		centers[i] = random(r, dims)
	}
	out := make([][]float32, n)
	for i := range out {
		c := centers[r.IntN(len(centers))]
		out[i] = random(r, dims)
		for j := range out[i] {
			out[i][j] += c[j] + mean[j]
		}
	}
	return out
}

// slabOf builds a slab the way the index does, and returns the encoded vectors.
func slabOf(t testing.TB, rot *Rotation, xs [][]float32) (*Slab, []Vector) {
	t.Helper()
	s := NewSlab(rot.Dims())
	var vs []Vector
	var encoded [][]byte
	var means [][]float32
	for i, x := range xs {
		v := encode(t, rot, x)
		vs, encoded = append(vs, v), append(encoded, v.Append(nil))
		s.Add(uint32(i), uint64(i)+1, encoded[i])
		count := uint32(i) + 1
		_, due := MeanDue(count)
		if due {
			m := NewMean(rot.Dims())
			for _, e := range encoded {
				if err := m.Add(e); err != nil {
					t.Fatal(err)
				}
			}
			if MeanOf(count) == len(means) || len(means) == 0 {
				means = append(means, m.Floats())
				s.AddMean(m.Floats())
			}
		}
		switch {
		case count == FirstMean:
			for _, e := range encoded {
				s.AddCode(AppendCode(nil, e, means[0]))
			}
		case count > FirstMean:
			s.AddCode(AppendCode(nil, encoded[i], means[MeanOf(uint32(i))]))
		}
	}
	s.Publish()
	return s, vs
}

func TestScanFindsWhatAnExactOneFinds(t *testing.T) {
	const n, dims, queries, limit = 2*FirstMean + 77, 384, 40, 100
	r := rand.New(rand.NewPCG(5, 6))
	rot := rotation(t, dims)
	xs := clustered(r, n+queries, dims)
	s, vs := slabOf(t, rot, xs[:n])
	found, wanted := 0, 0
	for _, x := range xs[n:] {
		q := encode(t, rot, x).Query()
		exact := make([]Candidate, n)
		for i := range vs {
			exact[i] = Candidate{Slot: uint32(i), Row: uint32(i), Estimate: q.Similarity(vs[i].Append(nil))}
		}
		slices.SortFunc(exact, func(a, b Candidate) int {
			if a.compare(b) < 0 {
				return -1
			}
			return 1
		})
		got := s.Scan(Scan{Query: q, Prefix: n, Seq: n, Limit: limit})
		if len(got) != limit {
			t.Fatalf("%d candidates", len(got))
		}
		for _, c := range exact[:10] {
			wanted++
			if slices.ContainsFunc(got, func(g Candidate) bool { return g.Slot == c.Slot }) {
				found++
			}
		}
	}
	if recall := float64(found) / float64(wanted); recall < 0.98 {
		t.Errorf("recall@10 with %d candidates is %.3f", limit, recall)
	}
}

// Every kernel, and any number of goroutines, find the same candidates with the same estimates.
func TestScanIsTheSameWithEveryKernel(t *testing.T) {
	const n, dims = FirstMean + 501, 100
	r := rand.New(rand.NewPCG(8, 9))
	rot := rotation(t, dims)
	xs := clustered(r, n+5, dims)
	s, _ := slabOf(t, rot, xs[:n])
	for _, x := range xs[n:] {
		q := Scan{Query: encode(t, rot, x).Query(), Prefix: n, Seq: n, Limit: 50}
		var want []Candidate
		for _, k := range kernels() {
			s.kernel = k
			got := s.Scan(q)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s finds other candidates than %s", k.name, kernels()[0].name)
			}
		}
	}
}

func TestEstimateIsUnbiased(t *testing.T) {
	const dims, n = 384, 400
	r := rand.New(rand.NewPCG(3, 4))
	rot := rotation(t, dims)
	xs := clustered(r, n+1, dims)
	q := encode(t, rot, xs[n]).Query()
	m := NewMean(dims)
	var encoded [][]byte
	for _, x := range xs[:n] {
		b := encode(t, rot, x).Append(nil)
		encoded = append(encoded, b)
		if err := m.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	var bias, spread float64
	for _, b := range encoded {
		d := float64(Estimate(q, AppendCode(nil, b, m.Floats()), m.Floats()) - q.Similarity(b))
		bias += d / n
		spread += d * d / n
	}
	if math.Abs(bias) > 0.005 || math.Sqrt(spread) > 0.04 {
		t.Errorf("estimates are off by %.4f, spread %.4f", bias, math.Sqrt(spread))
	}
}

// A scan as of the past finds what it found then: later vectors and later ends do not show.
func TestScanOfThePast(t *testing.T) {
	const n, dims, then = 2*FirstMean + 300, 64, FirstMean + 900
	r := rand.New(rand.NewPCG(11, 12))
	rot := rotation(t, dims)
	xs := clustered(r, n+1, dims)
	q := encode(t, rot, xs[n]).Query()
	old, _ := slabOf(t, rot, xs[:then])
	s, _ := slabOf(t, rot, xs[:n])
	for row := uint32(0); row < n; row += 3 {
		s.End(row, n)
	}
	if got := s.Prefix(then); got != then {
		t.Fatalf("%d vectors had come by record %d", got, then)
	}
	want := old.Scan(Scan{Query: q, Prefix: then, Seq: then, Limit: 60})
	got := s.Scan(Scan{Query: q, Prefix: then, Seq: then, Limit: 60})
	if !slices.Equal(got, want) {
		t.Error("the past finds other candidates than it did")
	}
	for _, c := range s.Scan(Scan{Query: q, Prefix: n, Seq: n, Limit: 60}) {
		if c.Row%3 == 0 {
			t.Fatalf("row %d has ended", c.Row)
		}
	}
	odd := func(row uint32) bool { return row%2 == 1 }
	for _, c := range s.Scan(Scan{Query: q, Prefix: n, Seq: n, Limit: 60, Pass: odd}) {
		if c.Row%2 == 0 {
			t.Fatalf("row %d does not pass", c.Row)
		}
	}
}

func TestMeansAreTakenAtDoublings(t *testing.T) {
	taken := 0
	for count := uint32(1); count < 20*FirstMean; count++ {
		if n, due := MeanDue(count); due {
			if n != 0 && n != taken || n == 0 && taken != 0 {
				t.Fatalf("mean %d at %d vectors, %d were taken", n, count, taken)
			}
			taken = n + 1
		}
		if slot := count; count >= FirstMean && MeanOf(slot) >= taken {
			t.Fatalf("slot %d wants mean %d, %d were taken", slot, MeanOf(slot), taken)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	rot := rotation(b, 384)
	x := random(rand.New(rand.NewPCG(1, 1)), 384)
	for b.Loop() {
		encode(b, rot, x)
	}
}

func BenchmarkCode(b *testing.B) {
	rot := rotation(b, 384)
	e := encode(b, rot, random(rand.New(rand.NewPCG(1, 1)), 384)).Append(nil)
	mean := make([]float32, 384)
	var dst []byte
	for b.Loop() {
		dst = AppendCode(dst[:0], e, mean)
	}
}

func BenchmarkSimilarity(b *testing.B) {
	rot := rotation(b, 384)
	v := encode(b, rot, random(rand.New(rand.NewPCG(1, 1)), 384))
	q, e := v.Query(), v.Append(nil)
	for b.Loop() {
		q.Similarity(e)
	}
}
