package text_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// characters has CPython say, for each method, what it makes of all characters
// that its version of Unicode knows.
const characters = `
import json, sys, unicodedata
known = [c for c in map(chr, [*range(0x3500), *range(0x9f00, 0xad00), *range(0xd700, 0x17100), *range(0x18c00, 0x20100), *range(0xe0000, 0xe0200)]) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
out = {"known": ["".join(known)]}
for name in "lower upper title capitalize casefold swapcase".split():
    out[name] = [getattr(c, name)() for c in known]
for name in "alpha decimal digit alnum space lower upper".split():
    out["is" + name] = ["1" if getattr(c, "is" + name)() else "" for c in known]
out["repr"] = [repr(c) for c in known]
out["strip"] = [c.strip() for c in known]
out["lines"] = [str(len(("a" + c + "b").splitlines())) for c in known]
json.dump(out, sys.stdout)
`

// TestCharacters compares every character with CPython, but for the middle of the
// long rows of ideographs.
func TestCharacters(t *testing.T) {
	data, err := exec.CommandContext(t.Context(), "python3", "-c", characters).Output()
	if err != nil {
		t.Fatalf("python3, of Debian's package python3: %v", err)
	}
	var answers map[string][]string
	if err := json.Unmarshal(data, &answers); err != nil {
		t.Fatal(err)
	}
	is := func(name string) func(string) (string, error) {
		return func(s string) (string, error) {
			if ok, err := text.Is(name, s); !ok || err != nil {
				return "", err
			}
			return "1", nil
		}
	}
	for name, f := range map[string]func(string) (string, error){
		"lower": text.Lower, "upper": text.Upper, "title": text.Title, "capitalize": text.Capitalize,
		"casefold": text.Fold, "swapcase": text.SwapCase,
		"isalpha": is("alpha"), "isdecimal": is("decimal"), "isdigit": is("digit"), "isalnum": is("alnum"),
		"isspace": is("space"), "islower": is("lower"), "isupper": is("upper"),
		"repr":  func(s string) (string, error) { return text.Quote(s, false), nil },
		"strip": func(s string) (string, error) { return text.Strip(s, nil, true, true), nil },
		"lines": func(s string) (string, error) {
			return string(rune('0' + len(text.Lines("a"+s+"b", false)))), nil
		},
	} {
		wrong, left := 0, 0
		for i, r := range []rune(answers["known"][0]) {
			got, err := f(string(r))
			switch want := answers[name][i]; {
			case errors.Is(err, raise.ErrUnsupported):
				left++
			case err != nil || got != want:
				if wrong++; wrong < 20 {
					t.Errorf("%s of %U is %q, %v; Python says %q", name, r, got, err, want)
				}
			}
		}
		if wrong > 0 || left > 1000 {
			t.Errorf("%s: %d are wrong, %d are left to Python", name, wrong, left)
		}
	}
}
