package mbnames

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestPerItem(t *testing.T) {
	it := Item{Account: "A", Folder: "Gäste \"x\"", LocalFolders: "/home/me/Mail"}
	for _, c := range []struct{ in, want string }{
		{`"+%(accountname)s/%(foldername)s"`, `"+A/Gäste "x""`},
		{"", ""},
		{"plain", "plain"},
		{"100%%", "100%"},
		{"%%(foldername)s", "%(foldername)s"},
		{"%(localfolders)s", "/home/me/Mail"},
		{"%(foldername)-12s|", `Gäste "x"   |`},
		{"%(foldername)12s|", `   Gäste "x"|`},
		{"%(foldername)012s|", `   Gäste "x"|`},
		{"%(foldername).3s|", "Gäs|"},
		{"%(foldername)5.3s|", "  Gäs|"},
		{"%(foldername).s|", "|"},
		{"%(foldername)ls", `Gäste "x"`},
		{"%(foldername)r", `'Gäste "x"'`},
		{"%(foldername)a", `'G\xe4ste "x"'`},
		{"%(accountname)s%(accountname)s", "AA"},
	} {
		tm, err := parseTemplate(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		var b strings.Builder
		tm.expand(&b, it)
		if b.String() != c.want {
			t.Errorf("%q: %q, want %q", c.in, b.String(), c.want)
		}
	}
}

func TestWrongPerItem(t *testing.T) {
	for in, say := range map[string]string{
		"%":                    "%%",
		"a % b":                "%%",
		"100%":                 "%%",
		"%s":                   "%(foldername)s",
		"%5%":                  "%%",
		"%é":                   "%%",
		"%(foldrname)s":        `there is no "foldrname", only accountname, foldername, localfolders`,
		"%()s":                 `there is no ""`,
		"%(a(b))s":             `there is no "a(b)"`,
		"%(foldername":         "not closed",
		"%(foldername)":        "write %(foldername)s",
		"%(foldername)5":       "write %(foldername)s",
		"%(foldername)d":       `"d"`,
		"%(foldername)/x":      `"/"`,
		"%(foldername)é":       `"é"`,
		"%(foldername)%":       `"%"`,
		"%(foldername)*s":      `"*"`,
		"%(foldername)lls":     `"l"`,
		"%(foldername)99999s":  "at most",
		"%(foldername).99999s": "at most",
		"%(foldername)9999999999999999999999999999s": "at most",
	} {
		_, err := New(Options{Dir: "d", File: "f", PerItem: in})
		wantError(t, err, "[mbnames] peritem: ", say)
	}
}

// TestPerItemPython compares with Python's own operator on random templates.
func TestPerItemPython(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	text := func() string {
		s := ""
		for range rng.IntN(8) {
			s += pick("a", "B", "/", " ", "ä", "日", "😀", "'", `"`, `\`, "\n", "\t", "\x01", "\x7f", "\u00a0", "\u00ad", "\u200b", "%", "(")
		}
		return s
	}
	conversion := func() string {
		return "%(" + pick("accountname", "foldername", "localfolders") + ")" + pick("", "", "-", "0", "-0", "+", " ", "#", "--") +
			pick("", "", "3", "12", "07") + pick("", "", ".", ".0", ".2", ".05") + pick("", "", "", "l", "h", "L") + pick("s", "s", "s", "s", "r", "a")
	}
	wrong := func() string {
		// Not a lone percent: Python may take what follows for a conversion.
		return pick("%(", "%(x)s", "%(foldername)", "%(foldername)d", "%(foldername)q", "%(foldername)*s", "%(foldername).-1s", "%(foldername)lls", "%5%", "%!")
	}
	type call struct {
		Template string
		Values   map[string]string
	}
	var calls []call
	for range 600 {
		s := ""
		for range rng.IntN(6) {
			switch n := rng.IntN(20); {
			case n == 0:
				s += wrong()
			case n < 10:
				s += conversion()
			case n < 12:
				s += "%%"
			default:
				s += strings.NewReplacer("%", "", "(", "").Replace(text())
			}
		}
		if rng.IntN(20) == 0 {
			s += "%"
		}
		calls = append(calls, call{s, map[string]string{"accountname": text(), "foldername": text(), "localfolders": text()}})
	}
	var answers []*string
	python(t, `
answer = []
for c in given:
    try:
        answer.append(c["Template"] % c["Values"])
    except (ValueError, TypeError, KeyError):
        answer.append(None)`, calls, &answers)
	refused := 0
	for i, c := range calls {
		tm, err := parseTemplate(c.Template)
		if (err != nil) != (answers[i] == nil) {
			t.Errorf("%q: error %v; Python: %v", c.Template, err, answers[i])
			continue
		}
		if err != nil {
			refused++
			continue
		}
		var b strings.Builder
		tm.expand(&b, Item{c.Values["accountname"], c.Values["foldername"], c.Values["localfolders"]})
		if b.String() != *answers[i] {
			t.Errorf("%q %% %q:\n%q, Python\n%q", c.Template, c.Values, b.String(), *answers[i])
		}
	}
	if refused < 30 || refused > 300 {
		t.Errorf("%d of %d templates are wrong: the test is no good", refused, len(calls))
	}
}
