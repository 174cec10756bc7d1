package hook

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name string
		adds [][2]string
		want string
	}{
		{"none", nil, ""},
		{"each", [][2]string{{"", "/m/new/a"}, {"/m/new/b", ""}, {"/m/new/c", "/m/cur/c:2,S"}}, "A\t/m/new/a\nD\t/m/new/b\nR\t/m/new/c\t/m/cur/c:2,S\n"},
		{"new, then renamed", [][2]string{{"", "a"}, {"a", "b"}, {"b", "c"}}, "A\tc\n"},
		{"new, then gone", [][2]string{{"", "a"}, {"a", "b"}, {"b", ""}}, ""},
		{"renamed twice", [][2]string{{"a", "b"}, {"b", "c"}}, "R\ta\tc\n"},
		{"renamed, then gone", [][2]string{{"a", "b"}, {"b", ""}}, "D\ta\n"},
		{"there and back", [][2]string{{"a", "b"}, {"b", "a"}}, ""},
		{"there, back and gone", [][2]string{{"a", "b"}, {"b", "a"}, {"a", ""}}, "D\ta\n"},
		{"nothing at all", [][2]string{{"a", "a"}, {"", ""}}, ""},
		{"gone, and another one", [][2]string{{"a", ""}, {"", "a"}}, "D\ta\nA\ta\n"},
		{"odd names", [][2]string{{"", "a b\tc\nd\\n\\e\xff'\"$x"}}, "A\ta b\\tc\\nd\\\\n\\\\e\xff'\"$x\n"},
	} {
		var list Changes
		for _, a := range c.adds {
			list.Add(a[0], a[1])
		}
		if got := string(list.text()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		list.Reset()
		if got := list.text(); len(got) > 0 {
			t.Errorf("%s: after a reset there is %q", c.name, got)
		}
	}
}

func TestTooManyChanges(t *testing.T) {
	var list Changes
	add := func(n int) {
		for i := range n {
			list.Add("", fmt.Sprint(list.tooMany, len(list.all), i))
		}
	}
	add(mostChanges)
	list.Add("false 0 0", "renamed") // no record more
	if n := strings.Count(string(list.text()), "\n"); n != mostChanges {
		t.Errorf("%d records, want %d", n, mostChanges)
	}
	add(3)
	if got := string(list.text()); got != "*\n" || list.all != nil {
		t.Errorf("%.40q, and %d records are kept", got, len(list.all))
	}
	list.Reset()
	list.Add("", "x")
	if got := string(list.text()); got != "A\tx\n" {
		t.Errorf("after a reset: %q", got)
	}
}

// An index that follows the records has what one has that was told of each change.
func TestChangesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A name is one mail's: it may come back to it, not to another.
		names := map[int]string{}
		before := map[string]bool{}
		for id := range 4 {
			names[id] = fmt.Sprintf("%d/0", id)
			before[names[id]] = true
		}
		next := 4
		var list Changes
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			id := rapid.IntRange(0, 8).Draw(t, "mail")
			from, there := names[id]
			if id >= next {
				id = next
				next++
			} else if !there {
				continue
			}
			to := ""
			if flags := rapid.IntRange(0, 3).Draw(t, "flags"); flags > 0 || !there {
				to = fmt.Sprintf("%d/%d", id, flags)
			}
			list.Add(from, to)
			if names[id] = to; to == "" {
				delete(names, id)
			}
		}
		for line := range strings.Lines(string(list.text())) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if (f[0] == "A") == before[f[1]] {
				t.Fatalf("%q of %v", line, before)
			}
			switch f[0] {
			case "A":
				before[f[1]] = true
			case "D":
				delete(before, f[1])
			case "R":
				delete(before, f[1])
				before[f[2]] = true
			}
		}
		if len(before) != len(names) {
			t.Fatalf("%v, want %v", before, names)
		}
		for _, n := range names {
			if !before[n] {
				t.Fatalf("%v, want %v", before, names)
			}
		}
	})
}

// The list as a shell script reads it, and as Python does.
func TestChangesAreRead(t *testing.T) {
	odd := "/m/a b\t\\tc\n\\\\n é 'x' $HOME *"
	list := &Changes{}
	list.Add("", odd)
	list.Add(odd+"1", odd+"2")
	list.Add(odd+"3", "")
	tab := "\t"
	for name, shell := range map[string]string{
		"sh": `while IFS='` + tab + `' read -r kind path new; do printf '%s|%b|%b\0' "$kind" "$path" "$new"; done > "$OUT"`,
		"python3": `python3 -c '
import sys, re
un = lambda s: re.sub(rb"\\(.)", lambda m: {b"t": b"\t", b"n": b"\n"}.get(m[1], m[1]), s)
with open(sys.argv[1], "wb") as out:
    for line in sys.stdin.buffer:
        f = line[:-1].split(b"\t") + [b""]
        out.write(b"|".join(un(x) for x in f[:3]) + b"\0")
' "$OUT"`,
	} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%v: install %s", err, name)
		}
		file := t.TempDir() + "/out"
		h, j := hook(shell)
		h.Env = append(os.Environ(), "OUT="+file)
		h.Changes = list
		if err := h.Run(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, j)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := "A|" + odd + "|\x00R|" + odd + "1|" + odd + "2\x00D|" + odd + "3|\x00"
		if string(got) != want {
			t.Errorf("%s reads\n%q\nwant\n%q", name, got, want)
		}
	}
}

// A list of any length neither waits for its reader nor needs one.
func TestLongList(t *testing.T) {
	list := &Changes{}
	for i := range mostChanges {
		list.Add("", fmt.Sprintf("/home/me/Mail/INBOX/new/%0200d", i))
	}
	for shell, want := range map[string]string{
		"true": "", "wc -l": fmt.Sprint(mostChanges), "read a; cat > /dev/null; echo ok": "ok", "exec < /dev/null; cat": "",
		"exec 3<&0; (sleep 0.05; wc -l) <&3 &": fmt.Sprint(mostChanges),
	} {
		h, _ := hook(shell)
		h.Changes = list
		if got := strings.TrimSpace(out(t, h)); got != want {
			t.Errorf("%s says %q, want %q", shell, got, want)
		}
	}
}
