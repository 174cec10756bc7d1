package ini

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What is repeated is read as ConfigParser of Python 2.7 reads it: sections are
// merged, and the last option counts with all its lines.
func TestRepeated(t *testing.T) {
	f, errs := Parse([]byte(`[DEFAULT]
d = 1
d = 2
[a]
x = 1
 more
y = %(x)s
[b]
x = b
[a]
X = 2
z = 3
x: 3
  last
`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, r := range f.Repeated {
		before := ""
		if r.Option != "" {
			v, err := r.Before()
			if err != nil {
				t.Fatal(err)
			}
			before = v
		}
		got = append(got, fmt.Sprintf("%d %s/%s %d %v %q", r.Line, r.Section, r.Option, r.First, r.Apart, before))
	}
	want := []string{`3 DEFAULT/d 2 false "1"`, `10 a/ 4 false ""`, `11 a/x 5 true "1\nmore"`, `13 a/x 11 false "2"`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	a, _ := f.Section("a")
	var names []string
	for _, o := range a.Options {
		v, _, err := a.Get(o.Name)
		names = append(names, fmt.Sprintf("%d %s %q %v", o.Line, o.Name, v, err))
	}
	if want := []string{`7 y "3\nlast" <nil>`, `12 z "3" <nil>`, `13 x "3\nlast" <nil>`}; !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
	if v, _, _ := a.Get("d"); v != "2" || len(f.Default.Options) != 1 || len(f.Sections) != 2 {
		t.Errorf("d = %q, %d options, %d sections", v, len(f.Default.Options), len(f.Sections))
	}
}

func TestRepeatedWithoutEnd(t *testing.T) {
	for _, line := range []string{"[a]\n", "x = 1\n"} {
		f, errs := Parse([]byte("[a]\n" + strings.Repeat(line, 300_000)))
		if len(errs) != 1 || len(f.Repeated) != maxRepeated {
			t.Errorf("%q: %d errors, %d repeated", line, len(errs), len(f.Repeated))
		}
	}
}

// The values that ConfigParser of Python 2.7 gives.
func TestStripped(t *testing.T) {
	for line, want := range map[string]string{
		"x = 1 ; note":             "1",
		"x = 1\t;note":             "1",
		"x = 1;note":               "",
		"x = 1;2 ; note":           "", // only the first semicolon is looked at
		"x = ;note":                "",
		"x = a ; b ; c":            "a",
		"x = [ ; note\n  'a', ; b": "[\n'a', ; b", // continuation lines keep theirs
		"x = 1 # note":             "",
		"x : %(y)s ; %":            "why",
	} {
		f, errs := Parse([]byte("[a]\ny = why\n" + line + "\n"))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		a, _ := f.Section("a")
		whole, _, _ := a.Get("x")
		got, ok, err := a.Stripped("x")
		if ok != (want != "") || err != nil || got != want {
			t.Errorf("%q: %q %v %v, want %q", line, got, ok, err, want)
		}
		if again, _, _ := a.Get("x"); again != whole {
			t.Errorf("%q: looking changed it to %q", line, again)
		}
		a.Strip("x")
		if again, _, _ := a.Get("x"); ok && again != want || !ok && again != whole {
			t.Errorf("%q: stripped to %q, want %q", line, again, want)
		}
	}
}

// A value that each of many sections inherits costs no more than one.
func TestBombInEverySection(t *testing.T) {
	var sb strings.Builder
	sb.WriteString("[DEFAULT]\nx = " + strings.Repeat("y", 1<<10) + "\ny = " + strings.Repeat("%(x)s", 1000) + "\n")
	for i := range 50_000 {
		fmt.Fprintf(&sb, "[s%d]\n", i)
	}
	f, errs := Parse([]byte(sb.String()))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	failed := 0
	for _, s := range f.Sections {
		if _, _, err := s.Get("y"); err != nil {
			failed++
		}
	}
	if failed < 49_000 {
		t.Errorf("%d of %d values were refused", failed, len(f.Sections))
	}
}
