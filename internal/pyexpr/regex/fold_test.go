package regex_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/regex"
)

// letters has CPython say of all letters that have a case, and of those near
// them, which are the same where case does not count: as a character, in a set,
// and in a range; and which are of the kinds \w, \d and \s.
const letters = `
import json, re, sys, unicodedata
known = [c for c in map(chr, [*range(0x3500), *range(0x9f00, 0xad00), *range(0xd700, 0x17100), *range(0x18c00, 0x20100), *range(0xe0000, 0xe0200)]) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
cased = [c for c in known if len({c, c.lower(), c.upper(), c.title(), c.casefold(), c.swapcase()}) > 1]
near = {}
for c in cased:
    for f in (str.lower, str.upper, str.title, str.casefold):
        near.setdefault(f(c), set()).add(c)
pairs = set()
for group in near.values():
    for a in group:
        for b in group:
            pairs.add((a, b))
for c in cased:
    for d in (c.lower(), c.upper(), c.casefold()):
        if len(d) == 1:
            pairs |= {(c, d), (d, c)}
    for d in "iIsSkKaz":
        pairs |= {(c, d), (d, c)}
out = []
for a, b in sorted(pairs):
    for p in (a, "[" + a + "]", "[^" + a + "]", "[" + a + "-" + a + "]", "[" + a + "-" + re.escape(chr(ord(a) + 3)) + "]", "[\\d" + a + "]"):
        if a.isalpha():
            out.append([p, b, 1 if re.fullmatch(p, b, re.I) else 0])
for c in known:
    for p in (r"\w", r"\d", r"\s"):
        out.append([p, c, 1 if re.fullmatch(p, c) else 0])
json.dump(out, sys.stdout)
`

// TestFold compares how case does not count, and the kinds of all characters,
// with CPython.
func TestFold(t *testing.T) {
	data, err := exec.CommandContext(t.Context(), "python3", "-c", letters).Output()
	if err != nil {
		t.Fatalf("python3, of Debian's package python3: %v", err)
	}
	var rows [][3]any
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	known := map[string]*regex.Regexp{}
	wrong := 0
	for _, row := range rows {
		p, s := row[0].(string), row[1].(string)
		if known[p] == nil {
			re, err := regex.Compile(p, regex.IgnoreCase)
			if errors.Is(err, raise.ErrUnsupported) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			known[p] = re
		}
		f, err := known[p].Find([]rune(s), 0, regex.Full, -1, func(int) error { return nil })
		if errors.Is(err, raise.ErrUnsupported) {
			continue
		}
		if err != nil || (f != nil) != (row[2].(float64) == 1) {
			if wrong++; wrong < 40 {
				t.Errorf("%+q of %+q: %v, %v", p, s, f != nil, err)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d are wrong", wrong, len(rows))
	}
}
