package api

import (
	"strconv"
	"strings"
)

// Element makes any text fit for one element of an object path, as systemd
// does: letters and digits stay, every other octet and a leading digit become
// _xx, and the empty text becomes "_".
func Element(name string) string {
	if name == "" {
		return "_"
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if c := name[i]; plain(c) && !(i == 0 && digit(c)) {
			b.WriteByte(c)
		} else {
			b.WriteByte('_')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// ElementName returns the text that Element made e of, and false where Element
// would not have made e of any.
func ElementName(e string) (string, bool) {
	if e == "_" {
		return "", true
	}
	var b strings.Builder
	for i := 0; i < len(e); i++ {
		if e[i] != '_' {
			b.WriteByte(e[i])
			continue
		}
		if i+2 >= len(e) {
			return "", false
		}
		n, err := strconv.ParseUint(e[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	name := b.String()
	return name, e != "" && Element(name) == e
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func plain(c byte) bool { return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// AccountPathOf returns the path of an account's object.
func AccountPathOf(name string) string { return AccountPath + "/" + Element(name) }

// AccountAt returns the name of the account whose object has that path.
func AccountAt(path string) (string, bool) {
	e, ok := strings.CutPrefix(path, AccountPath+"/")
	if !ok {
		return "", false
	}
	return ElementName(e)
}

// JobPathOf returns the path of a job's object.
func JobPathOf(id uint32) string { return JobPath + "/" + strconv.FormatUint(uint64(id), 10) }

// JobAt returns the ID of the job whose object has that path.
func JobAt(path string) (uint32, bool) {
	e, ok := strings.CutPrefix(path, JobPath+"/")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(e, 10, 32)
	return uint32(id), err == nil && JobPathOf(uint32(id)) == path
}
