package mbnames

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Item is one mailbox. Names are as the disk has them, be they UTF-8 or not.
type Item struct {
	Account      string
	Folder       string // the local name
	LocalFolders string // the directory that the account's folders are in
}

// encode returns what OfflineIMAP keeps for one account: what json.dump of
// Python's standard library writes.
func encode(items []Item) []byte {
	var b strings.Builder
	b.WriteByte('[')
	for i, it := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`{"accountname": `)
		quote(&b, it.Account)
		b.WriteString(`, "foldername": `)
		quote(&b, it.Folder)
		b.WriteString(`, "localfolders": `)
		quote(&b, it.LocalFolders)
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return []byte(b.String())
}

func quote(b *strings.Builder, s string) {
	const short = "\"\"\\\\\bb\ff\nn\rr\tt" // each with the letter that it is written by
	b.WriteByte('"')
	for s != "" {
		r, size := nextPoint(s)
		s = s[size:]
		if r < utf8.RuneSelf {
			if i := strings.IndexByte(short, byte(r)); i >= 0 && i%2 == 0 {
				b.WriteByte('\\')
				b.WriteByte(short[i+1])
				continue
			}
		}
		switch {
		case ' ' <= r && r <= '~':
			b.WriteByte(byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// decode reads what encode or OfflineIMAP wrote.
func decode(data []byte) ([]Item, error) {
	if len(data) == 0 {
		return nil, errors.New("it is empty")
	}
	var objects []map[string]json.RawMessage
	if err := json.Unmarshal(data, &objects); err != nil {
		return nil, err
	}
	if objects == nil {
		return nil, errors.New("it holds no list")
	}
	items := make([]Item, len(objects))
	for i, o := range objects {
		for k, to := range []*string{&items[i].Account, &items[i].Folder, &items[i].LocalFolders} {
			raw := string(o[keys[k]])
			if !strings.HasPrefix(raw, `"`) {
				return nil, fmt.Errorf("entry %d has no text %q", i+1, keys[k])
			}
			*to = unquote(raw)
		}
	}
	return items, nil
}

// unquote reads a text that is known to be good JSON. It gives back the bytes that
// quote was given, which the standard library's decoder would replace.
func unquote(s string) string {
	b := make([]byte, 0, len(s))
	for s = s[1 : len(s)-1]; s != ""; {
		if s[0] != '\\' {
			b = append(b, s[0])
			s = s[1:]
			continue
		}
		if i := strings.IndexByte("bfnrt", s[1]); i >= 0 {
			b = append(b, "\b\f\n\r\t"[i])
			s = s[2:]
			continue
		}
		if s[1] != 'u' {
			b = append(b, s[1])
			s = s[2:]
			continue
		}
		r := unit(s)
		s = s[6:]
		switch {
		case escaped|0x80 <= r && r <= escaped|0xff:
			b = append(b, byte(r))
			continue
		case utf16.IsSurrogate(r) && strings.HasPrefix(s, `\u`) && utf16.DecodeRune(r, unit(s)) != utf8.RuneError:
			r = utf16.DecodeRune(r, unit(s))
			s = s[6:]
		}
		b = utf8.AppendRune(b, r) // of a surrogate, U+FFFD
	}
	return string(b)
}

// unit reads the backslash, the u and the four digits that s starts with.
func unit(s string) rune {
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
