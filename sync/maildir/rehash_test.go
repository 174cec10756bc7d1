package maildir

import (
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRehash(t *testing.T) {
	sum := func(s string) string { return fmt.Sprintf(",FMD5=%x", md5.Sum([]byte(s))) }
	raw, visible, other := sum("L.go"), sum("Lists.go"), sum("Sent")
	s := newStore(t, Options{VisibleName: func(n string) string { return strings.Replace(n, "L.", "Lists.", 1) }})
	newFolder(t, s, "L.go")
	files := map[string]string{ // to what becomes of them
		"cur/1_0.1.h,U=1" + raw + ":2,FS":     "cur/1_0.1.h,U=1" + visible + ":2,FS",
		"new/1_1.1.h,U=2" + raw + ":2,":       "new/1_1.1.h,U=2" + visible + ":2,",
		"cur/1_2.1.h,U=3" + visible + ":2,S":  "cur/1_2.1.h,U=3" + visible + ":2,S",
		"cur/1_3.1.h,U=4" + other + ":2,S":    "cur/1_3.1.h,U=4" + other + ":2,S",
		"new/mine":                            "new/mine",
		"tmp/1_4.1.h,U=5" + raw + ":2,":       "tmp/1_4.1.h,U=5" + raw + ":2,",
		"cur/1_5.1.h,U=6" + raw + ",S=9:2,Sa": "cur/1_5.1.h,U=6" + visible + ",S=9:2,Sa",
	}
	var before, after []string
	for from, to := range files {
		write(t, s, "L.go", from, "x\n")
		before, after = append(before, from), append(after, to)
	}
	list := func() (all []string) {
		for _, sub := range []string{"cur", "new", "tmp"} {
			entries, err := os.ReadDir(filepath.Join(s.Root(), "L.go", sub))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				all = append(all, sub+"/"+e.Name())
			}
		}
		return all
	}
	slices.Sort(before)
	slices.Sort(after)
	for _, step := range []struct {
		dry  bool
		n    int
		want []string
	}{{true, 3, before}, {false, 3, after}, {false, 0, after}} {
		n, err := s.Rehash(t.Context(), "L.go", "L.go", step.dry)
		if err != nil || n != step.n {
			t.Errorf("dry %v: %d, %v, not %d", step.dry, n, err, step.n)
		}
		if got := list(); !slices.Equal(got, step.want) {
			t.Errorf("dry %v: there is\n%s\nnot\n%s", step.dry, strings.Join(got, "\n"), strings.Join(step.want, "\n"))
		}
	}
	if n, err := s.Rehash(t.Context(), "L.nowhere", "L.nowhere", false); n != 0 || err == nil {
		t.Errorf("a folder that is not there: %d, %v", n, err)
	}

	// Two files that would be one stay two.
	write(t, s, "L.go", "cur/1_0.1.h,U=1"+raw+":2,FS", "y\n")
	write(t, s, "L.go", "cur/9_0.1.h,U=9"+raw+":2,", "z\n")
	if n, err := s.Rehash(t.Context(), "L.go", "L.go", false); n != 1 || err == nil {
		t.Errorf("%d renamed, %v", n, err)
	}
	if got := list(); len(got) != len(files)+2 {
		t.Errorf("a mail is gone: %q", got)
	}
}
