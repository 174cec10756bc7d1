package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// IsASCII says whether bytes are characters.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Len counts characters.
func Len(s string) int { return utf8.RuneCountInString(s) }

// IsSpace is str.isspace of a character, which has four control characters more
// than Go.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// IsDecimal is str.isdecimal of a character.
func IsDecimal(r rune) bool { return unicode.IsDigit(r) }

// IsAlnum is str.isalnum of a character.
func IsAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func isLower(r rune) bool { return unicode.In(r, unicode.Ll, unicode.Other_Lowercase) }

func isUpper(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Other_Uppercase) }

// becameLower are the letters that are lower case since Unicode 15 only.
var becameLower = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x10fc, Hi: 0x10fc, Stride: 1}, {Lo: 0xa7f2, Hi: 0xa7f4, Stride: 1}, {Lo: 0xab69, Hi: 0xab69, Stride: 1},
}}

func isCased(r rune) bool { return isLower(r) || isUpper(r) || unicode.Is(unicode.Lt, r) }

// Is answers the methods str.isalpha and the like; the name is without "is".
func Is(name, s string) (bool, error) {
	all := func(is func(rune) bool) (bool, error) {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0, nil
	}
	cased := func(right, wrong func(rune) bool) (bool, error) {
		return strings.ContainsFunc(s, right) && !strings.ContainsFunc(s, wrong), nil
	}
	switch name {
	case "ascii":
		return IsASCII(s), nil
	case "alpha":
		return all(unicode.IsLetter)
	case "decimal":
		return all(IsDecimal)
	case "digit":
		// Superscripts and the like are digits to Python, others are not.
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.No, r) }) {
			return false, raise.Unsupported("isdigit of such a character")
		}
		return all(IsDecimal)
	case "alnum":
		return all(IsAlnum)
	case "space":
		return all(IsSpace)
	case "lower":
		if err := refuse(s, becameLower); err != nil {
			return false, err
		}
		return cased(isLower, func(r rune) bool { return isUpper(r) || unicode.Is(unicode.Lt, r) })
	case "upper":
		if err := refuse(s, becameLower); err != nil {
			return false, err
		}
		return cased(isUpper, func(r rune) bool { return isLower(r) || unicode.Is(unicode.Lt, r) })
	}
	return false, raise.Unsupported("is%s", name)
}
