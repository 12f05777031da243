package main

// maxSuggestDistance is the number of edits up to which a name is suggested for another.
const maxSuggestDistance = 2

// suggest returns the name that word was most likely meant to be, "" where none is near. A word
// that begins a name counts as near.
func suggest(word string, names []string) string {
	best, at := "", maxSuggestDistance+1
	for _, n := range names {
		d := distance(word, n)
		if len(word) >= 3 && len(n) > len(word) && n[:len(word)] == word {
			d = min(d, 1)
		}
		if d < at && d < len(word) {
			best, at = n, d
		}
	}
	return best
}

// distance is the number of bytes to insert, remove, change or swap to make b of a (optimal string
// alignment).
func distance(a, b string) int {
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur := make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev = prev, cur
	}
	return prev[len(b)]
}
