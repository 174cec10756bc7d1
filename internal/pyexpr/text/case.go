package text

import (
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
	// The lower case of İ is two characters, that of Σ depends on what is around it.
	if strings.ContainsAny(s, "İΣ") {
		return "", raise.Unsupported("the lower case of such a letter")
	}
	return strings.Map(unicode.ToLower, s), nil
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
	out, err := Lower(s)
	return strings.ReplaceAll(out, "ß", "ss"), err
}

// SwapCase is str.swapcase.
func SwapCase(s string) (string, error) {
	return byRune(s, func(r rune) (string, error) {
		switch {
		case isUpper(r):
			return Lower(string(r))
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
		out, err := Lower(string(r))
		if !within {
			out, err = titleOf(r)
		}
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
		return Lower(string(r))
	})
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
