package names

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Modified UTF-7 (RFC 3501, section 5.1.3): printable ASCII stands for itself,
// "&" is "&-", and anything else is the base64 of its UTF-16 between "&" and
// "-", with "," for "/" and without padding.

var base64utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// encode writes a name in modified UTF-7. Octets that are not UTF-8 cannot be
// written.
func encode(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	var sb strings.Builder
	for len(s) > 0 {
		plain := strings.IndexFunc(s, func(r rune) bool { return r == '&' || !printable(r) })
		if plain < 0 {
			plain = len(s)
		}
		sb.WriteString(s[:plain])
		s = s[plain:]
		if strings.HasPrefix(s, "&") {
			sb.WriteString("&-")
			s = s[1:]
			continue
		}
		shifted := strings.IndexFunc(s, printable)
		if shifted < 0 {
			shifted = len(s)
		}
		if shifted > 0 {
			var octets []byte
			for _, u := range utf16.Encode([]rune(s[:shifted])) {
				octets = append(octets, byte(u>>8), byte(u))
			}
			sb.WriteString("&" + base64utf7.EncodeToString(octets) + "-")
			s = s[shifted:]
		}
	}
	return sb.String(), true
}

func printable(r rune) bool { return r >= 0x20 && r <= 0x7e }

// decode reads modified UTF-7. Only what encode would write is accepted, since
// servers hold names of other kinds as well, and a name must lead back to its
// octets.
func decode(raw string) (string, bool) {
	var sb strings.Builder
	for rest := raw; ; {
		plain, after, shift := strings.Cut(rest, "&")
		sb.WriteString(plain)
		if !shift {
			break
		}
		code, next, closed := strings.Cut(after, "-")
		if !closed {
			return "", false
		}
		if rest = next; code == "" {
			sb.WriteByte('&')
			continue
		}
		octets, err := base64utf7.DecodeString(code)
		if err != nil || len(octets)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		sb.WriteString(string(utf16.Decode(units)))
	}
	s := sb.String()
	back, ok := encode(s)
	return s, ok && back == raw
}
