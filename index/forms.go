package index

import "strings"

// irregularForms are English words that a stemmer cannot bring together, each before the word it
// is a form of: past tenses, plurals, and the everyday names of family. Measured on conversations,
// where questions ask in the present tense what was told in the past: +1 point of recall at 5.
const irregularForms = `
	went go gone go goes go bought buy brought bring caught catch taught teach thought think
	fought fight sought seek felt feel kept keep slept sleep left leave lost lose met meet told tell
	sold sell sent send spent spend built build lent lend made make paid pay laid lay said say
	heard hear held hold stood stand understood understand found find won win ran run began begin
	begun begin sang sing sung sing swam swim swum swim drank drink drunk drink rang ring rung ring
	gave give given give took take taken take ate eat eaten eat saw see seen see knew know known know
	grew grow grown grow threw throw thrown throw flew fly flown fly drew draw drawn draw wrote write
	written write rode ride ridden ride drove drive driven drive rose rise risen rise spoke speak
	spoken speak broke break broken break chose choose chosen choose froze freeze frozen freeze
	stole steal stolen steal woke wake woken wake wore wear worn wear tore tear torn tear swore swear
	sworn swear came come became become got get gotten get forgot forget forgotten forget hid hide
	hidden hide bitten bite done do fell fall fallen fall sat sit shot shoot struck strike
	stuck stick hung hang dug dig spun spin led lead fed feed bled bleed sped speed fled flee
	slid slide lit light dealt deal meant mean dreamt dream learnt learn burnt burn bent bend
	shook shake shaken shake mistook mistake forgave forgive forgiven forgive blew blow blown blow
	shown show children child men man women woman people person feet foot teeth tooth mice mouse
	geese goose wives wife knives knife shelves shelf halves half wolves wolf thieves thief
	dying die lying lie tying tie mom mother mum mother dad father kid child kids child`

// forms maps a word to the one it is a form of.
var forms = func() map[string]string {
	m := map[string]string{}
	words := strings.Fields(irregularForms)
	for i := 0; i+1 < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
}()
