package ini

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata/python.json anew, by asking python3")

type verdict struct {
	Error    string `json:",omitempty"`
	Lines    []int  `json:",omitempty"`
	Sections []struct {
		Name    string
		Options map[string]struct {
			Raw, Value, Error string
		}
	} `json:",omitempty"`
}

// latin1 and octets carry octets that are not UTF-8 through JSON.
func latin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

func octets(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func askPython(files []string) ([]byte, error) {
	in := make([]string, len(files))
	for i, f := range files {
		in[i] = latin1(f)
	}
	js, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("python3", "testdata/oracle.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(js), os.Stderr
	return cmd.Output()
}

// compare says how Parse and Get differ from Python's verdict, or "".
func compare(src string, want verdict) string {
	f, errs := Parse([]byte(src))
	var lines []int
	for _, e := range errs {
		lines = append(lines, e.Line)
	}
	if strings.HasPrefix(want.Error, "Duplicate") {
		// Python stops at the first; an option without a name is an error of ours.
		if len(f.Repeated) > 0 {
			lines = append(lines, f.Repeated[0].Line)
		}
		if !slices.Contains(lines, want.Lines[0]) {
			return fmt.Sprintf("%s in lines %v, ours in %v", want.Error, want.Lines, lines)
		}
		return ""
	}
	if want.Error != "" {
		// Python stops at the first of the graver errors; ours must be among all.
		for _, n := range want.Lines {
			if !slices.Contains(lines, n) {
				return fmt.Sprintf("%s in lines %v, ours in %v", want.Error, want.Lines, lines)
			}
		}
		if want.Error == "ParsingError" && (!slices.Equal(lines, want.Lines) || len(f.Repeated) > 0) {
			return fmt.Sprintf("errors in lines %v, ours in %v", want.Lines, lines)
		}
		return ""
	}
	if len(errs) > 0 || len(f.Repeated) > 0 {
		return fmt.Sprintf("Python reads it, ours says %v %+v", errs, f.Repeated)
	}
	ours := append([]*Section{f.Default}, f.Sections...)
	if len(ours) != len(want.Sections) {
		return fmt.Sprintf("%d sections, ours %d", len(want.Sections), len(ours))
	}
	for i, w := range want.Sections {
		s := ours[i]
		if s.Name != octets(w.Name) {
			return fmt.Sprintf("section %q, ours %q", w.Name, s.Name)
		}
		names := map[string]bool{}
		for t := s; t != nil; t = t.defaults {
			for _, o := range t.Options {
				names[o.Name] = true
			}
		}
		if len(names) != len(w.Options) {
			return fmt.Sprintf("section %q: %d options, ours %d", w.Name, len(w.Options), len(names))
		}
		for name, wo := range w.Options {
			name = octets(name)
			o, _, ok := s.Lookup(name)
			if !ok || o.Raw != octets(wo.Raw) {
				return fmt.Sprintf("[%s] %s: raw %q, ours %q", s.Name, name, wo.Raw, o.Raw)
			}
			v, _, err := s.Get(name)
			if (err != nil) != (wo.Error != "") {
				return fmt.Sprintf("[%s] %s: error %q, ours %v", s.Name, name, wo.Error, err)
			}
			if err == nil && v != octets(wo.Value) {
				return fmt.Sprintf("[%s] %s: %q, ours %q", s.Name, name, wo.Value, v)
			}
		}
	}
	return ""
}

func TestSameAsPython(t *testing.T) {
	const golden = "testdata/python.json"
	if *update {
		out, err := askPython(snippets)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	js, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var want []verdict
	if err := json.Unmarshal(js, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(snippets) {
		t.Fatalf("%s holds %d verdicts for %d snippets: run go test -update", golden, len(want), len(snippets))
	}
	for i, s := range snippets {
		if diff := compare(s, want[i]); diff != "" {
			t.Errorf("%q: Python: %s", s, diff)
		}
	}
}

// Files put together at random from what matters to the dialect, judged by the
// python3 of this machine.
func TestSameAsLivePython(t *testing.T) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.version_info[:2] >= (3, 8) and sys.version_info[:2] < (3, 13))").Output()
	if err != nil {
		t.Fatalf("ask python3 for its version: %v; install it with: apt-get install python3", err)
	}
	if strings.TrimSpace(string(out)) != "True" {
		t.Log("this python3 speaks another dialect; the golden verdicts are those of 3.11")
		return
	}
	piece := rapid.SampledFrom([]string{"[a]", "[b]", "[DEFAULT]", "x", "y", "Z", "=", ":", " = ", "1", "%(x)s", "%(y)s", "%(z)s", "%%", "%", "%(", ")s",
		"\n", "\n", "\n", "\n ", "\n  ", "\n\t", "\r\n", "\r", " ", "  ", "#", ";", "[", "]", "\xff", "ä", "\x1c", "\u00a0", "\x00", "\n\n", "\nx = 1", "\ny = %(x)s", "\nz = 2"})
	file := rapid.SliceOfN(piece, 0, 40)
	var files []string
	for seed := range 1000 {
		s := strings.Join(file.Example(seed), "")
		if seed%3 > 0 {
			s = "[q]\n" + s
		}
		files = append(files, s)
	}
	r := rand.New(rand.NewPCG(4, 6))
	for range 1000 {
		files = append(files, written(r))
	}
	js, err := askPython(files)
	if err != nil {
		t.Fatal(err)
	}
	var want []verdict
	if err := json.Unmarshal(js, &want); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if _, errs := Parse([]byte(f)); len(errs) == maxErrors {
			continue
		}
		if diff := compare(f, want[i]); diff != "" {
			t.Errorf("%q: Python: %s", f, diff)
		}
	}
}

// written is a small file as people write them, mostly.
func written(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	value := func() string {
		var sb strings.Builder
		for range r.IntN(4) {
			sb.WriteString(pick("yes", "~/Mail", "%(a)s", "%(b)s", "%(user)s", "100%%", "a, b", " ; note", " # note", "lambda f: f in [", "'x'", "=", ":", "\"q\"", "Gäste", "5%", " "))
		}
		return sb.String()
	}
	var sb strings.Builder
	indent := pick("", "", "", "  ", "\t")
	for range 1 + r.IntN(4) {
		fmt.Fprintf(&sb, "%s[%s]\n", indent, pick("DEFAULT", "general", "Account A", "Account [b]", "Repository R", "Repository L", "Repository G", "Account C"))
		for i := range r.IntN(6) {
			fmt.Fprintf(&sb, "%s%s%s%s\n", indent, pick("a", "b", "user", "Type", "a b", fmt.Sprint("o", i), fmt.Sprint("o", i)), pick(" = ", "=", ": ", " :"), value())
			for range r.IntN(3) {
				sb.WriteString(pick("", indent+"  "+value()+"\n", indent+"\t"+value()+"\n", indent+"# c\n", "; c\n", "\n", "    # c\n", " "+indent+value()+"\n"))
			}
		}
	}
	src := sb.String()
	if r.IntN(8) == 0 {
		src = strings.ReplaceAll(src, "\n", pick("\r\n", "\r"))
	}
	return src
}

func TestLines(t *testing.T) {
	f, errs := Parse([]byte("# c\n[DEFAULT]\nd = 1\n\n[a]\n\nx = 1\ny =\n\n  # c\n  two\n\n  three\n\nz = 3\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	a, _ := f.Section("a")
	if a.Line != 5 || f.Default.Line != 2 {
		t.Errorf("sections in lines %d and %d, not 5 and 2", a.Line, f.Default.Line)
	}
	for _, w := range []struct {
		name      string
		line      int
		continued []int
		from      string
	}{{"x", 7, nil, "a"}, {"y", 8, []int{11, 13}, "a"}, {"z", 15, nil, "a"}, {"d", 3, nil, "DEFAULT"}} {
		o, from, ok := a.Lookup(w.name)
		if !ok || o.Line != w.line || !slices.Equal(o.Continued, w.continued) || from.Name != w.from {
			t.Errorf("%s: line %d, continued %v, from %s; want %+v", w.name, o.Line, o.Continued, from.Name, w)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, w := range []struct{ src, want string }{
		{"\nx = 1\n", "line 2: an option or text before the first [section]"},
		{"[a]\nhunter2\n", "line 2: neither a [section], nor a line \"option = value\", nor the indented continuation of one"},
		{"[a]\n=hunter2\n", "line 2: a value without the name of an option before it"},
	} {
		_, errs := Parse([]byte(w.src))
		if len(errs) != 1 || errs[0].Error() != w.want {
			t.Errorf("%q: %v, want %s", w.src, errs, w.want)
		}
	}
	for _, w := range []struct{ src, want string }{
		{"x = hunter%2\n", "line 2: a single percent sign"},
		{"x = hunter%(2\n", "line 2: a reference that is not of the form %(name)s"},
		{"x = %(who)s\n", "line 2: refers to %(who)s, but there is no such option in this section or in [DEFAULT]"},
		{"x = %(y)s\ny = %(z)s\nz = a%(y)s\n", "line 3: circular reference: y -> z -> y"},
		{"x = %(y)s\ny = 5%\n", "line 3: a single percent sign"},
	} {
		f, errs := Parse([]byte("[a]\n" + w.src))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		a, _ := f.Section("a")
		_, ok, err := a.Get("x")
		if !ok || err == nil || err.Error() != w.want {
			t.Errorf("%q: %v, want %s", w.src, err, w.want)
		}
	}
}

// Ten levels of ten references each would be 10^10 steps.
func TestBomb(t *testing.T) {
	for _, end := range []string{"", "x"} {
		src := "[a]\n"
		for c := 'a'; c < 'k'; c++ {
			src += fmt.Sprintf("%c = %s\n", c, strings.Repeat(fmt.Sprintf("%%(%c)s", c+1), 10))
		}
		f, _ := Parse([]byte(src + "k = " + end + "\n"))
		a, _ := f.Section("a")
		if _, _, err := a.Get("a"); err == nil {
			t.Error("a value of 10^10 references was built")
		}
	}
	f, _ := Parse([]byte("[a]\nx = " + strings.Repeat("y", 1<<16) + "\ny = " + strings.Repeat("%(x)s", 1000) + "\n"))
	a, _ := f.Section("a")
	if _, _, err := a.Get("y"); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a value of 64 MB: %v", err)
	}
}

func TestManyErrorsEnd(t *testing.T) {
	_, errs := Parse(bytes.Repeat([]byte("[a]\nnonsense\n"), 1000))
	if len(errs) != maxErrors {
		t.Errorf("%d errors reported, want %d", len(errs), maxErrors)
	}
}

func TestReferences(t *testing.T) {
	got := References("%(A)s %% %%(no)s %(b c)s %d %x %(e)s %(f")
	if want := []string{"a", "b c", "e"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range snippets {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, errs := Parse(src)
		if len(errs) > maxErrors {
			t.Fatalf("%d errors", len(errs))
		}
		lines := bytes.Count(src, []byte("\n")) + bytes.Count(src, []byte("\r")) + 1
		for _, e := range errs {
			if e.Line < 1 || e.Line > lines || e.Text == "" {
				t.Fatalf("error %+v in a file of %d lines", e, lines)
			}
		}
		for _, s := range append(file.Sections, file.Default) {
			last := 0
			for _, o := range s.Options {
				if o.Line <= last || o.Line > lines {
					t.Fatalf("option %q in line %d after line %d", o.Name, o.Line, last)
				}
				last = o.Line
				if n := len(o.Continued); n > 0 {
					last = o.Continued[n-1]
				}
				_, ok, _ := s.Get(o.Name)
				if !ok {
					t.Fatalf("option %q of section %q cannot be found again", o.Name, s.Name)
				}
			}
		}
	})
}
