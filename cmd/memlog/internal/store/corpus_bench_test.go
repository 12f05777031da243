package store

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// The corpus of the benchmarks: sentences of English words whose frequencies fall as those of a
// natural language do, the same at every run. Words are stems with endings, some thirty thousand,
// behind the function words, which are as frequent as they really are.
const (
	benchMemories = 100_000
	benchChars    = 300
	benchSeed     = 20250125
)

var benchFunction = strings.Fields(`the of and to a in that is was he for it with as his on be at
	by i this had not are but from or have an they which one you were her all she there would
	their we him been has when who will more no if out so said what up its about into than them`)

var benchStems = strings.Fields(`account act address answer arm art bank base battle bear beat bed
	bell bill bird blood board boat body bone book bow box branch brick bridge brother build
	burn bush button cable cake call card care cart cause chain chalk chance change charge chief
	church circle clay clean clear clock cloth cloud coal coast coat code collar color comb
	company compare condition connect control cook copper copy cord cork cotton count country
	cover crack credit crime crush current curve cushion custom damage danger daughter day
	debt deck decision deep deploy design desire detail develop digest direct discuss disk
	distance doubt drain drawer dress drink drive dust earth east edge education effect end
	engine error event example exchange expand expert fact farm father feather field fight
	finger fire fish flag flame flight floor flower fold food foot force form frame friend front
	fruit garden general glass glove gold govern grain grass grip group guide hammer harbor
	harmony heart heat history hook horse hospital hour house index industry ink insect
	instrument insure interest invent iron island jewel journey judge jump kettle key knot
	knowledge land language laugh law lead learn letter level library lift light limit line
	liquid list lock log loss machine manager map mark market mass match meal measure meat
	memory metal middle milk mind mine minute mist money month moon morning motion mountain move
	muscle music nail name nation neck need needle nerve network news night noise note number
	observe ocean offer office operate opinion orange order organ ornament oven owner page paint
	paper parcel part paste payment peace pencil person picture pipe place plane plant plate
	play pocket point poison position powder power price print prison process produce profit
	property prose protest pull pump punish purpose push quality question queue rail rain range
	rate reaction read reason record regret relation religion repair replay report request
	respect rest reward rhythm river road rod roll roof room root rule sail salt sand scale
	school science screw seal search season secret seed segment select sense servant server
	shade shake shelf ship shirt shock shoe side sign silk silver sister skin sky sleep slip
	slope smash smell smile smoke snap sneeze snow soap society song sort sound space spade
	sponge spoon spring square stage stamp star start station steam steel stem step stitch
	stomach stone stop store story street stretch structure substance sugar suggest summer
	support surprise swim system table tail talk taste tax teach test theory thing thought
	thread throat thumb thunder ticket time tin toe tongue tooth top touch town trade train tray
	tree trick trouble turn twist type umbrella unit use value verse vessel view voice walk wall
	war wash waste watch water wave wax weather week weight wheel whip whistle wind window wine
	wing winter wire woman wood word work worm wound write year`)

var benchEndings = strings.Fields(`- s ed ing er ers ly ness less ful ment ments able ation ations
	ive ity ism ist al`)

var benchPrefixes = strings.Fields(`- re un pre over`)

// corpus makes memories and queries. It is for one goroutine.
type corpus struct {
	words []string
	r     *rand.Rand
	z     *rand.Zipf
}

func newCorpus(seed uint64) *corpus {
	words := append([]string(nil), benchFunction...)
	for _, p := range benchPrefixes {
		for _, e := range benchEndings {
			for i := range benchStems { // another order for each ending, so that ranks mix
				s := benchStems[(i*37+len(words)*11)%len(benchStems)]
				words = append(words, strings.TrimSuffix(strings.TrimPrefix(p+s+e, "-"), "-"))
			}
		}
	}
	r := rand.New(rand.NewPCG(benchSeed, seed))
	return &corpus{words, r, rand.NewZipf(r, 1.07, 3, uint64(len(words)-1))}
}

func (c *corpus) word() string { return c.words[c.z.Uint64()] }

// text returns sentences of about n characters.
func (c *corpus) text(n int) string {
	var s strings.Builder
	for left := 0; s.Len() < n; left-- {
		w := c.word()
		switch {
		case s.Len() == 0 || left == 0:
			if s.Len() > 0 {
				s.WriteString(". ")
			}
			w, left = strings.ToUpper(w[:1])+w[1:], 6+c.r.IntN(12)
		default:
			s.WriteByte(' ')
		}
		s.WriteString(w)
	}
	return s.String() + "."
}

// query returns n words that are no function words, as frequent as in the texts.
func (c *corpus) query(n int) string {
	var words []string
	for len(words) < n {
		if i := c.z.Uint64(); i >= uint64(len(benchFunction)) {
			words = append(words, c.words[i])
		}
	}
	return strings.Join(words, " ")
}

func (c *corpus) memory() memory.NewMemory {
	return memory.NewMemory{
		Content: c.text(benchChars), Type: []string{"note", "decision", "fact"}[c.r.IntN(3)],
		Project: fmt.Sprintf("project-%d", c.r.IntN(8)),
		Tags:    []string{fmt.Sprintf("area-%d", c.r.IntN(50)), fmt.Sprintf("task-%d", c.r.IntN(1000))},
	}
}
