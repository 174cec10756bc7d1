package names

import (
	"fmt"
	"slices"
	"strings"
)

// A level of a server's name may have octets that a level of a local name cannot
// have: the local separator, and "/", which no file name has. Locally they stand
// as a percent sign and two digits, "%2E" and "%2F". What looks like that on the
// server already gets "25" after its percent sign, so that every name has its own
// and the way back needs no table. Other percent signs are left as they are.

// hexadecimal are the octets that escapes are made of; as separators they
// would cut them.
const hexadecimal = "%0123456789ABCDEF"

// special returns the octets that are escaped.
func (o Options) special() string {
	var s []byte
	for _, b := range []byte{o.LocalSep, '/'} {
		if b != 0 && b != o.RemoteSep && !slices.Contains(s, b) {
			s = append(s, b)
		}
	}
	if strings.IndexByte(hexadecimal, o.LocalSep) >= 0 || strings.IndexByte(hexadecimal, o.RemoteSep) >= 0 {
		return ""
	}
	return string(s)
}

// escape makes a server's name, or a part of one, fit for the local side.
func (o Options) escape(s string) string {
	special := o.special()
	if !strings.ContainsAny(s, "%"+special) {
		return s
	}
	var sb strings.Builder
	for i := range len(s) {
		switch {
		case strings.IndexByte(special, s[i]) >= 0:
			fmt.Fprintf(&sb, "%%%02X", s[i])
		case escaped(s[i:], special) != 0:
			sb.WriteString("%25")
		default:
			sb.WriteByte(s[i])
		}
	}
	return sb.String()
}

// unescape is the inverse of escape.
func (o Options) unescape(s string) string {
	special := o.special()
	if !strings.Contains(s, "%") {
		return s
	}
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		b := escaped(s[i:], special)
		if b == 0 {
			sb.WriteByte(s[i])
			continue
		}
		sb.WriteByte(b)
		i += 2
	}
	return sb.String()
}

// escaped returns what the three octets that s begins with stand for: an octet of
// special, or "%" where "25" was put in; 0 if they stand for themselves.
func escaped(s, special string) byte {
	rest, ok := strings.CutPrefix(s, "%")
	if !ok {
		return 0
	}
	first := true
	for ; strings.HasPrefix(rest, "25"); rest = rest[2:] {
		first = false
	}
	for _, b := range []byte(special) {
		switch {
		case !strings.HasPrefix(rest, fmt.Sprintf("%02X", b)):
		case first:
			return b
		default:
			return '%'
		}
	}
	return 0
}

// Ignored tells whether OfflineIMAP leaves a mailbox alone because its own name,
// before nametrans, has the local separator within a level.
func Ignored(remote string, o Options) bool {
	return o.LocalSep != 0 && o.LocalSep != '/' && o.LocalSep != o.RemoteSep && strings.IndexByte(Read(remote, o), o.LocalSep) >= 0
}

// Before returns the local name that a program without escapes gives to a
// mailbox, such as OfflineIMAP, where that is another one than Local gives. kept is
// false where such a program makes that directory and then keeps nothing in it.
func Before(remote string, o Options) (local string, kept, differs bool) {
	name := Read(remote, o)
	if o.escape(name) == name {
		return "", false, false
	}
	now, err := Local(remote, o)
	if err != nil {
		return "", false, false
	}
	local = name
	if o.There != nil {
		if local, err = o.There(name); err != nil {
			return "", false, false
		}
	}
	local = swap(local, o.RemoteSep, o.LocalSep)
	return local, !strings.ContainsAny(name, o.special()), local != now && safe(local, o.LocalSep) == nil
}
