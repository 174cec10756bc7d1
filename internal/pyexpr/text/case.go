package text

import (
	"slices"
	"strings"
	"unicode"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// several are the letters that become more than one in another case.
var several = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x149, Hi: 0x149, Stride: 1}, {Lo: 0x1f0, Hi: 0x1f0, Stride: 1}, {Lo: 0x390, Hi: 0x390, Stride: 1},
	{Lo: 0x3b0, Hi: 0x3b0, Stride: 1}, {Lo: 0x587, Hi: 0x587, Stride: 1}, {Lo: 0x1e96, Hi: 0x1e9a, Stride: 1},
	{Lo: 0x1f50, Hi: 0x1f56, Stride: 2}, {Lo: 0x1f80, Hi: 0x1fff, Stride: 1}, {Lo: 0xfb00, Hi: 0xfb17, Stride: 1},
}}

// unfolded are the letters whose case folding is not their lower case.
var unfolded = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0xb5, Hi: 0xb5, Stride: 1}, {Lo: 0x17f, Hi: 0x17f, Stride: 1}, {Lo: 0x345, Hi: 0x345, Stride: 1},
	{Lo: 0x3c2, Hi: 0x3c2, Stride: 1}, {Lo: 0x3d0, Hi: 0x3f5, Stride: 1}, {Lo: 0x13a0, Hi: 0x13fd, Stride: 1},
	{Lo: 0x1c80, Hi: 0x1c88, Stride: 1}, {Lo: 0x1e9b, Hi: 0x1e9b, Stride: 1}, {Lo: 0xab70, Hi: 0xabbf, Stride: 1},
}}

func refuse(s string, tables ...*unicode.RangeTable) error {
	if !IsASCII(s) && strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, tables...) }) {
		return raise.Unsupported("the case of such a letter")
	}
	return nil
}

// Lower is str.lower.
func Lower(s string) (string, error) {
	if strings.ContainsRune(s, 'Σ') {
		rs := []rune(s)
		low := slices.Clone(rs)
		for i, r := range rs {
			if r == 'Σ' {
				var err error
				if low[i], err = lowerSigma(rs, i); err != nil {
					return "", err
				}
			}
		}
		s = string(low)
	}
	return lower(s), nil
}

// lowerSigma is the lower case of the Σ at a place: ς at the end of a word. What is
// neither a letter with a case nor surely no part of a word is not looked beyond.
func lowerSigma(rs []rune, at int) (rune, error) {
	cased := func(i int) (bool, error) {
		switch {
		case i < 0 || i == len(rs):
			return false, nil
		case unicode.In(rs[i], unicode.Lu, unicode.Ll, unicode.Lt):
			return true, nil
		case rs[i] < 0x80 && !strings.ContainsRune("'.:^`", rs[i]):
			return false, nil
		}
		return false, raise.Unsupported("the lower case of Σ there")
	}
	before, err := cased(at - 1)
	if err != nil || !before {
		return 'σ', err
	}
	after, err := cased(at + 1)
	if err != nil || after {
		return 'σ', err
	}
	return 'ς', nil
}

// lower is without regard to where a Σ stands.
func lower(s string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r == 'İ' {
			return r
		}
		return unicode.ToLower(r)
	}, s), "İ", "i\u0307")
}

// Upper is str.upper.
func Upper(s string) (string, error) {
	if err := refuse(s, several); err != nil {
		return "", err
	}
	return strings.ReplaceAll(strings.Map(unicode.ToUpper, s), "ß", "SS"), nil
}

// Fold is str.casefold.
func Fold(s string) (string, error) {
	if err := refuse(s, several, unfolded); err != nil {
		return "", err
	}
	return strings.ReplaceAll(lower(s), "ß", "ss"), nil
}

// SwapCase is str.swapcase.
func SwapCase(s string) (string, error) {
	return byRune(s, func(r rune) (string, error) {
		switch {
		case isUpper(r):
			return lowerOf(r)
		case isLower(r):
			return Upper(string(r))
		}
		return string(r), nil
	})
}

// Title is str.title.
func Title(s string) (string, error) {
	within := false
	return byRune(s, func(r rune) (string, error) {
		f := lowerOf
		if !within {
			f = titleOf
		}
		out, err := f(r)
		within = isCased(r)
		return out, err
	})
}

// Capitalize is str.capitalize.
func Capitalize(s string) (string, error) {
	first := true
	return byRune(s, func(r rune) (string, error) {
		if first {
			first = false
			return titleOf(r)
		}
		return lowerOf(r)
	})
}

func lowerOf(r rune) (string, error) {
	if r == 'Σ' {
		return "", raise.Unsupported("the lower case of Σ")
	}
	return lower(string(r)), nil
}

func titleOf(r rune) (string, error) {
	if r == 'ß' {
		return "Ss", nil
	}
	return string(unicode.ToTitle(r)), refuse(string(r), several)
}

func byRune(s string, f func(rune) (string, error)) (string, error) {
	var b strings.Builder
	for _, r := range s {
		out, err := f(r)
		if err != nil {
			return "", err
		}
		b.WriteString(out)
	}
	return b.String(), nil
}
