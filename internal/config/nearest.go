package config

import (
	"fmt"
	"strings"
)

// nearest returns the candidate that name was probably meant to be, or "".
// Earlier candidates win.
func nearest(name string, candidates []string) string {
	best, limit := "", 1+min(2, len(name)/4)
	for _, c := range candidates {
		if d := distance(name, c, limit); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// didYouMean returns the hint at the nearest candidate, or "".
func didYouMean(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// fold takes for one what people mix up.
var fold = strings.NewReplacer("-", "_", " ", "_")

// distance counts the octets to insert, remove, replace or swap with their
// neighbour; - and _ are one, and so are upper and lower case. It is at most
// limit.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit || len(a) > 100 {
		return limit
	}
	a, b = fold.Replace(strings.ToLower(a)), fold.Replace(strings.ToLower(b))
	var before, last []int // the two rows above
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}

func abs(n int) int { return max(n, -n) }
