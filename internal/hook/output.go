package hook

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of each of its two outputs a hook may add to the log.
const (
	mostLines  = 200
	mostOctets = 64 << 10
	longest    = 1000 // octets of a line
)

// said is a line of output, or the end of one of the outputs; both have a text
// that may be logged, or none.
type said struct {
	text string
	end  bool
}

// listen reads an output to its end, and tells what there is to log of it. It
// always tells of the end.
func listen(f *os.File, prefix string, out chan<- said) {
	r := bufio.NewReaderSize(f, 32<<10)
	lines, octets := 0, 0
	more := false // this is the rest of a line that was too long
	for lines < mostLines && octets < mostOctets {
		line, isPrefix, err := r.ReadLine()
		if err != nil {
			out <- said{end: true}
			return
		}
		if !more {
			if text := clean(string(line)); text != "" {
				lines++
				octets += len(text)
				out <- said{text: prefix + text}
			}
		}
		more = isPrefix
	}
	// The rest is counted, so that the hook can go on saying it.
	buf := make([]byte, 32<<10)
	rest, unfinished := int64(0), false
	for n := int64(0); ; {
		k, err := r.Read(buf)
		n += int64(k)
		rest += int64(bytes.Count(buf[:k], []byte("\n")))
		if k > 0 {
			unfinished = buf[k-1] != '\n'
		}
		if err == nil {
			continue
		}
		if unfinished && err == io.EOF {
			rest++
		}
		s := said{end: true}
		if n > 0 {
			s.text = fmt.Sprintf("%s(%d more lines of %d octets are not shown)", prefix, rest, n)
		}
		out <- s
		return
	}
}

// escapes are the colours and other orders to a terminal.
var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])`)

// clean makes a line fit for a log: valid UTF-8 of at most longest octets and a
// mark, without characters that do something rather than show something. Of a
// line that was overwritten, such as a progress bar's, it is the last state.
func clean(s string) string {
	s = strings.TrimRight(s, "\r\n")
	s = s[strings.LastIndexByte(s, '\r')+1:]
	cut := len(s) > 4*longest
	if cut {
		s = s[:4*longest]
	}
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	if len(s) > longest {
		n := longest
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s, cut = s[:n], true
	}
	s = strings.TrimRight(s, " ")
	if cut {
		s += "…"
	}
	return s
}

// oneLine shows a command in one line.
func oneLine(s string) string {
	return clean(strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\r`).Replace(strings.TrimSpace(s)))
}
