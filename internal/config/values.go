package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// parseBool knows configparser's words, in any case.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}

// underscores takes out what Python allows between two digits; ok is false
// where there is one elsewhere.
func underscores(s string) (_ string, ok bool) {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '_' && (!digit(i-1) || !digit(i+1)) {
			return s, false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// parseInt reads what Python's int() reads, in ASCII digits and as far as an
// int reaches.
func parseInt(s string) (int, error) {
	digits, ok := underscores(s)
	if !ok {
		return 0, errors.New("is not a whole number")
	}
	n, err := strconv.Atoi(digits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is out of range")
	case err != nil:
		return 0, errors.New("is not a whole number")
	}
	return n, nil
}

// parseMinutes reads a Python float as minutes.
func parseMinutes(s string) (time.Duration, error) {
	digits, ok := underscores(s)
	if !ok || strings.ContainsAny(digits, "xXpP") { // Go's hexadecimal floats are none in Python
		return 0, errors.New("is not a number of minutes")
	}
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), math.IsNaN(f):
		return 0, errors.New("is not a number of minutes")
	case math.Abs(f) > 60*24*366*100:
		return 0, errors.New("is out of range")
	}
	return time.Duration(f * float64(time.Minute)), nil
}

// parseList splits at commas, trims on both sides and leaves out empty items.
func parseList(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// expandUser replaces ~ and ~user at the beginning of a path, and leaves a user
// that does not exist as it is.
func expandUser(path string, env func(string) string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	if len(name)+1 < len(path) {
		rest = "/" + rest
	}
	home := ""
	if name == "" {
		home = homeDir(env)
	} else if u, err := user.Lookup(name); err == nil {
		home = u.HomeDir
	}
	if home == "" {
		return path
	}
	if full := strings.TrimRight(home, "/") + rest; full != "" {
		return full
	}
	return "/"
}

// homeDir is $HOME, else what the system knows; "" where that is nothing.
func homeDir(env func(string) string) string {
	if home := env("HOME"); home != "" {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// expandVars replaces $NAME and ${NAME} once, leaves variables that are not set
// as they are, and returns the name of the first of them.
func expandVars(path string) (expanded, unset string) {
	var sb strings.Builder
	for {
		i := strings.IndexByte(path, '$')
		if i < 0 {
			sb.WriteString(path)
			return sb.String(), unset
		}
		sb.WriteString(path[:i])
		path = path[i:]
		name, n := variable(path)
		if value, ok := os.LookupEnv(name); ok && name != "" {
			sb.WriteString(value)
		} else {
			sb.WriteString(path[:n])
			if unset == "" {
				unset = name
			}
		}
		path = path[n:]
	}
}

// variable reads the name at the $ that s begins with, and its length with all
// signs around it.
func variable(s string) (name string, n int) {
	if strings.HasPrefix(s, "${") {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[2:end], end + 1
		}
		return "", 1
	}
	n = 1
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return s[1:n], n
}

// fingerprint normalises the digest of a certificate: hexadecimal digits in
// lower case without colons, of SHA-1, 224, 256, 384 or 512.
func fingerprint(s string) (string, error) {
	s = strings.ToLower(strings.ReplaceAll(s, ":", ""))
	if strings.Trim(s, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not hexadecimal", s)
	}
	switch len(s) {
	case 40, 56, 64, 96, 128:
		return s, nil
	}
	return "", fmt.Errorf("%q has %d digits, where SHA-1 has 40, SHA-256 64 and SHA-512 128", s, len(s))
}

// keyword says what forbids s as an IMAP keyword (RFC 9051: flag-keyword is an
// atom), or "".
func keyword(s string) string {
	if s == "" {
		return "is empty"
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return fmt.Sprintf("holds %q, which no IMAP keyword may", rune(c))
		}
	}
	return ""
}
