package index

import (
	"fmt"
	"testing"
)

// Words of any language find the text they are in, among those of others; of Russian and English,
// other forms of them too. TestTongues has those that a text's stop words show.
func TestLanguagesFindThemselves(t *testing.T) {
	docs := []struct {
		text    string
		queries []string
	}{
		{"The deploy keys live in the vault", []string{"deploying key", "vaults"}},
		{"Der Schlüssel für die Auslieferung liegt im Tresor", []string{"Schlüssel Auslieferung", "tresor"}},
		{"La clé de déploiement est dans le coffre-fort", []string{"clé de déploiement", "coffre"}},
		{"La contraseña está en la bóveda mañana", []string{"contraseña", "en la bóveda"}},
		{"Ключи развёртывания лежат в хранилище", []string{"ключ", "о развертывании", "хранилища"}},
		{"部署密钥保存在保险库里", []string{"密钥", "保险库"}},
		{"مفتاح النشر محفوظ في الخزنة", []string{"مفتاح النشر", "الخزنة"}},
		{"กุญแจอยู่ในห้องนิรภัย", []string{"กุญแจ", "ห้องนิรภัย"}},
		{"デプロイの鍵は金庫にある", []string{"デプロイ", "金庫"}},
		{"배포 열쇠는 금고에 있다", []string{"배포", "금고에"}},
	}
	var all []said
	for i, d := range docs {
		all = append(all, said{text: d.text, stream: fmt.Sprint(i), at: int64(i) * 1e5})
	}
	v, err := tell(t, all...).View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for i, d := range docs {
		for _, q := range append(d.queries, d.text) {
			for _, mode := range []Mode{ModeLexical, ModeHybrid} {
				hits, err := v.Search(Query{Text: q, Mode: mode, Limit: 3})
				if err != nil || len(hits) == 0 || number(hits[0].Doc.ID) != i {
					t.Errorf("mode %d: %q does not find %q: %d hits, %v", mode, q, d.text, len(hits), err)
				}
			}
		}
	}
}
