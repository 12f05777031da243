package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// foreign are texts of a tongue, each with other forms of words that it has.
var foreign = []struct {
	tongue, text string
	queries      []string
}{
	{"de", "Wir haben die alten Häuser am Fluss verkauft", []string{"Haus", "verkaufte", "altes"}},
	{"de", "Der Schlüssel für die Auslieferung liegt im Tresor",
		[]string{"Auslieferungen", "Tresore", "SCHLÜSSEL"}},
	{"fr", "Nous avons déployé les serveurs dans l'entrepôt de Lyon",
		[]string{"serveur", "déployer", "entrepôts", "l’entrepôt"}},
	{"es", "La contraseña está en la bóveda de los administradores",
		[]string{"contraseñas", "bóvedas", "administrador"}},
	{"it", "I libri della cantina sono nell'armadio del corridoio",
		[]string{"libro", "armadi", "corridoi"}},
	{"pt", "Os servidores de testes ficam na rede da empresa", []string{"servidor", "redes", "empresas"}},
	{"nl", "De sleutels van het magazijn hangen aan de muur", []string{"sleutel", "magazijnen", "muren"}},
	{"sv", "Lösenorden till databasen är inte desamma som på den gamla maskinen",
		[]string{"lösenord", "maskinerna", "maskiner"}},
	{"da", "Nøglerne til kælderen hænger på væggen og er ikke til andre",
		[]string{"nøgler", "kælder", "vægge"}},
	{"no", "Passordene ble endret etter at vi flyttet serverne", []string{"passord", "passordet", "flyttede"}},
	{"fi", "Talon avaimet ovat keittiössä ja me olemme niiden kanssa", []string{"avaimia", "keittiö"}},
	{"hu", "A kulcsok a konyhában vannak és nem a szobában", []string{"kulcs", "konyha", "szobának"}},
	{"en", "The children moved the databases to another region", []string{"child", "database", "moving"}},
	{"en", "getUserNames returns the keys_of_houses in HTTPServers", []string{"user", "houses", "getUserNames"}},
}

// Stop words of a tongue are those of a text only where they are enough of it: what is no language
// has some of them by chance, and a long text has no more than there are.
func TestClearest(t *testing.T) {
	few, most := "der nicht und ist", "der die das und nicht ist ein eine mit auf von wir sind den dem zu aus bei"
	for _, tt := range []struct {
		words int // beside the stop words, of no language
		stops string
		want  string
	}{
		{0, few, "de"}, {40, few, "de"}, {60, few, "en"}, {100, most, "de"}, {2000, most, "de"},
		{2000, few, "en"},
	} {
		var text strings.Builder
		for i := range tt.words {
			fmt.Fprintf(&text, "%cx%cq%cz ", 'b'+i%16, 'b'+i/16%16, 'b'+i/256)
		}
		var z analyzer
		if got := tongues[z.analyze(text.String()+tt.stops).tongue].code; got != tt.want {
			t.Errorf("%d words and %q: %s, want %s", tt.words, tt.stops, got, tt.want)
		}
	}
}

// In a store of all tongues together, each text is found by other forms of its words, as of the
// moment it came, too, before the tongues of later ones were known.
func TestTongues(t *testing.T) {
	var all []said
	var z analyzer
	for i, f := range foreign {
		if got := tongues[z.analyze(f.text).tongue].code; got != f.tongue {
			t.Errorf("%q is taken for %s", f.text, got)
		}
		all = append(all, said{text: f.text, stream: fmt.Sprint(i), at: int64(i) * 1e5})
	}
	d := tell(t, all...)
	now, err := d.View()
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, now, d)
	var known []string
	for i, f := range foreign {
		then, err := d.At(uint64(i + 1))
		if err != nil {
			t.Fatal(err)
		}
		if f.tongue != "en" && !slices.Contains(known, f.tongue) {
			known = append(known, f.tongue)
		}
		if got := len(then.tongues()); got != len(known) {
			t.Errorf("as of %d: %d tongues, want %v", i+1, got, known)
		}
		for _, q := range append(f.queries, f.text, strings.ToUpper(f.text)) {
			for _, v := range []*View{now, then} {
				for _, mode := range []Mode{ModeLexical, ModeHybrid} {
					hits, err := v.Search(Query{Text: q, Mode: mode, Limit: 3})
					if err != nil || len(hits) == 0 || number(hits[0].Doc.ID) != i {
						t.Errorf("mode %d: %q does not find %q: %d hits, %v", mode, q, f.text, len(hits), err)
					}
				}
			}
		}
		done(t, then)
	}
}

// Which tongues a store holds is the same however its texts were cut into batches, and after it was
// opened again.
func TestTonguesFollowTheLog(t *testing.T) {
	var want [32]byte
	var first held
	for i, size := range []int{1, 3, len(foreign)} {
		fs := MemFS()
		d := open(t, fs)
		for from := 0; from < len(foreign); from += size {
			b, err := d.NewBatch()
			for n := from; n < min(from+size, len(foreign)); n++ {
				text := foreign[n].text
				err = errors.Join(err, b.PutImage(NewImage{ID: numbered(n), Seq: uint64(n + 1), Text: text,
					Payload: []byte(text)}), b.SetCheckpoint(madeCheckpoint(uint64(n+1))))
			}
			if err = errors.Join(err, b.Commit()); err != nil {
				t.Fatal(err)
			}
		}
		done(t, d)
		d = open(t, fs)
		v := view(t, d)
		digest, err := v.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want, first = digest, v.held
		}
		if digest != want || v.held != first || len(v.tongues()) != numTongues-1 {
			t.Errorf("batches of %d: %x, tongues %v, want %x, %v", size, digest, v.held, want, first)
		}
		done(t, v, d)
	}
}

// A phrase and exact text are found in texts of every tongue.
func TestTonguesPhrases(t *testing.T) {
	var all []said
	for i, f := range foreign {
		all = append(all, said{text: f.text, stream: fmt.Sprint(i), at: int64(i) * 1e5})
	}
	d := tell(t, all...)
	v := view(t, d)
	defer done(t, v, d)
	for i, f := range foreign {
		words := strings.Fields(f.text)
		part := strings.Join(words[1:5], " ")
		swapped := strings.Join([]string{words[2], words[1], words[3]}, " ")
		for _, q := range []Query{
			{Text: `"` + part + `"`, Mode: ModeLexical, Limit: 3},
			{Text: `"` + strings.ToUpper(part) + `"`, Mode: ModeHybrid, Limit: 3},
			{Text: part, Mode: ModeExact, Limit: 3},
		} {
			hits, err := v.Search(q)
			if err != nil || len(hits) != 1 || number(hits[0].Doc.ID) != i {
				t.Errorf("mode %d: %s: %d hits, %v", q.Mode, q.Text, len(hits), err)
			}
		}
		if hits, err := v.Search(Query{Text: `"` + swapped + `"`, Limit: 3}); err != nil || len(hits) != 0 {
			t.Errorf("%q: %d hits, %v", swapped, len(hits), err)
		}
	}
}

// What is code is the same terms in a text of any tongue, and no sign of one.
func TestTonguesLeaveCode(t *testing.T) {
	const code = "getUserNames max_houses pkg.Häuser v2 HTTPServers 4711 x86_64 den_das_die.der"
	var z analyzer
	plain := z.as(inEnglish, code).names()
	for in := range tongue(numTongues) {
		if got := z.as(in, code).names(); !slices.Equal(got, plain) {
			t.Errorf("%s: %q, want %q", tongues[in].code, got, plain)
		}
	}
	for _, text := range []string{code, "func (d *den) die(l, m, n, s, t int) int { return d.c }",
		"die hard man", "de facto", "no", ""} {
		if got := z.analyze(text).tongue; got != inEnglish {
			t.Errorf("%q is taken for %s", text, tongues[got].code)
		}
	}
}

// A store of English alone looks up one form of each word.
func TestEnglishHoldsNoTongue(t *testing.T) {
	d := tell(t, said{text: "The houses are sold"}, said{text: "das"})
	v := view(t, d)
	defer done(t, v, d)
	p, err := parse("the old houses", v.tongues())
	if err != nil || len(v.tongues()) != 0 || len(p.words) != 2 || p.words[1].others != nil {
		t.Errorf("%v, %+v, %v", v.tongues(), p, err)
	}
}

// Joined postings are those of a map that has both, over several blocks.
func TestJoined(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := map[Row]uint32{}
		var both [2][]run
		for i := range both {
			rows := map[Row]uint32{}
			for range random.IntN(30) {
				rows[Row(random.IntN(3))<<postingBlockShift+Row(random.IntN(20))] = uint32(1 + random.IntN(5))
			}
			for _, n := range sortedRows(rows) {
				base := n >> postingBlockShift << postingBlockShift
				if k := len(both[i]); k == 0 || both[i][k-1].base != base {
					both[i] = append(both[i], run{base: base})
				}
				last := &both[i][len(both[i])-1]
				*last = last.with(appendPosting(nil, n, rows[n]))
				want[n] += rows[n]
			}
		}
		var got []Row
		for _, one := range joined(both[0], both[1]) {
			for i := range one.len() {
				if n := one.row(i); one.tf(i) != want[n] || one.tf(i) > most(one, n) {
					t.Fatalf("row %d: %d times, at most %d, want %d", n, one.tf(i), most(one, n), want[n])
				}
				got = append(got, one.row(i))
			}
		}
		if !slices.Equal(got, sortedRows(want)) {
			t.Fatalf("rows %v, want %v", got, sortedRows(want))
		}
	}
}

// Every tongue's rules take every word, and a text comes to as many terms in each tongue.
func FuzzTongues(f *testing.F) {
	for _, one := range foreign {
		f.Add(one.text)
	}
	f.Add("l'''' d’ qu' \xff İß ǅ ﬁ")
	f.Fuzz(func(t *testing.T, text string) {
		var z analyzer
		plain := z.sequence(inEnglish, text)
		for in := range tongue(numTongues) {
			terms := z.sequence(in, text)
			if len(terms) != len(plain) {
				t.Errorf("%s: %q, in English %q", tongues[in].code, terms, plain)
			}
			for _, term := range terms {
				if term == "" || len(term) > MaxTermBytes || !utf8.ValidString(term) {
					t.Errorf("%s: %q has term %q", tongues[in].code, text, term)
				}
			}
		}
		again := new(analyzer).analyze(text)
		if a := z.analyze(text); a.tongue != again.tongue || !slices.Equal(a.terms, again.terms) ||
			a.length != again.length {
			t.Errorf("%q: %q, by another analyzer %q", text, a.names(), again.names())
		}
	})
}

// most is how often a text of a row's window has the term at most.
func most(r run, n Row) uint32 {
	_, most := r.window(n / windowRows * windowRows)
	return uint32(most)
}
