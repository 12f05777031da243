package index

import (
	"reflect"
	"slices"
	"testing"
)

// What is asked of a few facts alone is what all of them say, at any moment and within a batch.
func TestFewFactsAreThoseOfAll(t *testing.T) {
	d := open(t, MemFS())
	fill(t, d, 600, 7)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(601); seq <= 650; seq++ {
		madeRecord(t, b, seq)
	}
	views := []*View{b.View(), b.At(620)}
	for _, seq := range []uint64{60, 300, 600} {
		v, err := d.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, v)
	}
	tags, some := []string{"a", "b", "c", "d\x00e", "z"}, 0
	for _, v := range views {
		for n := range byte(40) {
			id := ID{n}
			doc, ok, err := v.Doc(id)
			if err != nil {
				t.Fatal(err)
			}
			bare, there, err := v.Bare(id)
			if err != nil {
				t.Fatal(err)
			}
			whole := doc
			whole.Tags, whole.Aliases, whole.Occurrences = nil, nil, nil
			if there != ok || !reflect.DeepEqual(bare, whole) {
				t.Errorf("record %d, document %d: %+v, bare %+v", v.Seq(), n, doc, bare)
			}
			if ok && !doc.Deleted {
				lacking, err := v.LackingTags(id, tags)
				want := slices.DeleteFunc(slices.Clone(tags),
					func(tag string) bool { return slices.Contains(doc.Tags, tag) })
				if err != nil || !slices.Equal(lacking, want) {
					t.Errorf("record %d, document %d: lacks %q (%v), has %q", v.Seq(), n, lacking, err,
						doc.Tags)
				}
			}
			all, err := v.Occurrences(id)
			if err != nil {
				t.Fatal(err)
			}
			for created := range int64(20) {
				got, err := v.OccurrencesOf(id, created)
				want := slices.DeleteFunc(slices.Clone(all),
					func(o Occurrence) bool { return o.Created != created })
				if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Errorf("record %d, document %d, created %d: %+v (%v), want %+v", v.Seq(), n, created,
						got, err, want)
				}
				some += len(got)
			}
		}
		done(t, v)
	}
	if some < 100 {
		t.Errorf("only %d occurrences were compared", some)
	}
	b.Close()
	done(t, d)
}
