package interp

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// textMethods are the methods of str.
var textMethods = map[string]method{
	"lower":      textual(text.Lower),
	"upper":      textual(text.Upper),
	"title":      textual(text.Title),
	"capitalize": textual(text.Capitalize),
	"casefold":   textual(text.Fold),
	"swapcase":   textual(text.SwapCase),
	"isascii":    is("ascii"),
	"isalpha":    is("alpha"),
	"isdecimal":  is("decimal"),
	"isdigit":    is("digit"),
	"isalnum":    is("alnum"),
	"isspace":    is("space"),
	"islower":    is("lower"),
	"isupper":    is("upper"),
	"strip":      strip(true, true),
	"lstrip":     strip(true, false),
	"rstrip":     strip(false, true),
	"find":       find(strings.Index, false),
	"rfind":      find(strings.LastIndex, false),
	"index":      find(strings.Index, true),
	"rindex":     find(strings.LastIndex, true),
	"startswith": affix(strings.HasPrefix),
	"endswith":   affix(strings.HasSuffix),
	"split":      split(false),
	"rsplit":     split(true),
	"partition":  partition(strings.Index, false),
	"rpartition": partition(strings.LastIndex, true),
	"ljust":      justify(func(int, int) int { return 0 }),
	"rjust":      justify(func(n, _ int) int { return n }),
	// Which side gets the odd one depends on the width, as in Python.
	"center":  justify(func(n, width int) int { return n/2 + n&width&1 }),
	"zfill":   {params: "/ width", call: zfill},
	"replace": {params: "/ old new count?", call: replace},
	"join":    {params: "/ iterable", call: join},
	"encode":  {params: "encoding? errors?", call: encode},
	"format": {raw: func(r *Run, self any, a args) (any, error) {
		return r.formatFields(self.(string), a)
	}},
	"count": {params: "/ sub start? end?", call: func(r *Run, self any, a []any) (any, error) {
		sub, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		s, _, ok, err := within(self.(string), a[1], a[2])
		if err != nil || !ok {
			return int64(0), err
		}
		return int64(strings.Count(s, sub)), r.make(len(s))
	}},
	"splitlines": {params: "keepends?", call: func(r *Run, self any, a []any) (any, error) {
		keep := false
		if a[0] != (absent{}) {
			i, ok := integer(a[0])
			if !ok || i != 0 && i != 1 {
				return nil, unsupportedArgument(a[0])
			}
			keep = i != 0
		}
		s := self.(string)
		if err := r.makeTimes(int64(len(s)), 33); err != nil {
			return nil, err
		}
		return texts(text.Lines(s, keep)), nil
	}},
	"removeprefix": {params: "/ prefix", call: func(r *Run, self any, a []any) (any, error) {
		p, err := textOf(a[0])
		return strings.TrimPrefix(self.(string), p), err
	}},
	"removesuffix": {params: "/ suffix", call: func(r *Run, self any, a []any) (any, error) {
		p, err := textOf(a[0])
		return strings.TrimSuffix(self.(string), p), err
	}},
}

// bytesMethods are the methods of bytes that a password or a name needs.
var bytesMethods = map[string]method{
	"decode": {params: "encoding? errors?", call: decode},
	"strip":  stripBytes(strings.TrimFunc),
	"lstrip": stripBytes(strings.TrimLeftFunc),
	"rstrip": stripBytes(strings.TrimRightFunc),
}

func stripBytes(trim func(string, func(rune) bool) string) method {
	return method{params: "/ bytes?", call: func(r *Run, self any, a []any) (any, error) {
		cut := " \t\n\r\v\f"
		if a[0] != (absent{}) && a[0] != nil {
			b, ok := a[0].(Bytes)
			if !ok || !text.IsASCII(string(b)) {
				return nil, unsupportedArgument(a[0])
			}
			cut = string(b)
		}
		// What is no UTF-8 comes as U+FFFD, which is not among them.
		return Bytes(trim(string(self.(Bytes)), func(c rune) bool { return c < 0x80 && strings.ContainsRune(cut, c) })), nil
	}}
}
