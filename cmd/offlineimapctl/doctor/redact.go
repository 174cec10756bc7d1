package doctor

import (
	"path/filepath"
	"strings"
)

// redactor takes out of texts what says who somebody is.
type redactor struct {
	home  string
	names []string // of users, here and on servers
}

func newRedactor(getenv func(string) string) redactor {
	r := redactor{home: strings.TrimRight(getenv("HOME"), "/")}
	r.add(getenv("USER"))
	r.add(getenv("LOGNAME"))
	if r.home != "" {
		r.add(filepath.Base(r.home))
	}
	return r
}

// add takes a name out from now on. One of a letter or two would take too much
// out of every text.
func (r *redactor) add(name string) {
	if len(name) > 2 {
		r.names = append(r.names, name)
	}
	if local, _, ok := strings.Cut(name, "@"); ok && len(local) > 2 {
		r.names = append(r.names, local)
	}
}

func (r *redactor) text(s string) string {
	if r.home != "" && r.home != "/" {
		s = replaceWords(s, r.home, "~")
	}
	for _, n := range r.names {
		s = replaceWords(s, n, "USER")
	}
	return s
}

// replaceWords replaces old where it does not go on as a word at either end.
func replaceWords(s, old, replacement string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, old)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := i + len(old)
		if i > 0 && wordOctet(s[i-1]) && wordOctet(old[0]) || end < len(s) && wordOctet(s[end]) {
			b.WriteString(s[:i+1])
			s = s[i+1:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteString(replacement)
		s = s[end:]
	}
}

func wordOctet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
