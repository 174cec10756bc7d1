package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// ErrInvalid is what Load returns where the file holds an error that concerns
// all accounts.
var ErrInvalid = errors.New("the configuration cannot be used")

const (
	maxFile     = 16 << 20
	maxWarnings = 100 // of which each is shown; the rest is counted
)

// Load reads a configuration. Problems are in the order of the file. Where the
// error is nil, the Config holds every account of the file, and those of its
// Accounts that have an Error among their Problems must not be run. The error
// is ErrInvalid where the Problems say why, and else tells why the file could
// not be read; the Config is nil then. The overrides count in their order, the
// last of several for one option.
func Load(path string, overrides ...Override) (*Config, []Problem, error) {
	src, mode, err := read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	c, problems := parse(path, src, mode, overrides...)
	if c == nil {
		return nil, problems, fmt.Errorf("%s: %w", path, ErrInvalid)
	}
	return c, problems, nil
}

func read(path string) ([]byte, fs.FileMode, error) {
	f, err := open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(src) > maxFile {
		return nil, 0, fmt.Errorf("%s is larger than %d MB: is it a configuration?", path, maxFile>>20)
	}
	return src, f.mode, nil
}

// loader collects the problems of one file.
type loader struct {
	path     string
	src      []byte
	file     *ini.File
	problems []Problem
	warnings int
	checked  map[string]*pyexpr.Error // expressions, and what is wrong with each
	// What [general] says for every Maildir.
	utime, filename bool
}

func (l *loader) add(p Problem) {
	if p.File == "" {
		p.File = l.path
	}
	p.Text, p.Hint, p.Section, p.Option = short(p.Text), short(p.Hint), short(p.Section), short(p.Option)
	if p.Severity == Warning {
		if l.warnings++; l.warnings > maxWarnings {
			return
		}
	}
	l.problems = append(l.problems, p)
}

const maxMessage = 1000 // octets of each part of it

// short cuts off what no person will read: a message may quote a value of any
// length.
func short(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	i := maxMessage
	for i > maxMessage-utf8.UTFMax && !utf8.RuneStart(s[i]) {
		i--
	}
	return strings.Clone(s[:i]) + "…"
}

// silent says that a further warning is only counted, so that its text need not
// be found.
func (l *loader) silent() bool { return l.warnings >= maxWarnings }

// done returns the problems, and whether one of them concerns all accounts.
func (l *loader) done() (problems []Problem, invalid bool) {
	if n := l.warnings - maxWarnings; n > 0 {
		l.problems = append(l.problems, Problem{File: l.path, Text: fmt.Sprintf("%d more warnings", n)})
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) { // the whole file's come last
			return b.Line - a.Line
		}
		return a.Line - b.Line
	})
	return l.problems, slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Severity == Error && p.Account == "" })
}

// parse is Load without the disk; the Config is nil where it cannot be used.
func parse(path string, src []byte, mode fs.FileMode, overrides ...Override) (*Config, []Problem) {
	l := &loader{path: path, src: src}
	if !l.text(src) {
		problems, _ := l.done()
		return nil, problems
	}
	file, errs := ini.Parse(src)
	for _, e := range errs {
		l.add(Problem{Line: e.Line, Section: e.Section, Option: e.Option, Severity: Error, Text: e.Text, Hint: e.Hint})
	}
	l.file = file
	var c *Config
	if len(errs) == 0 { // what follows from a line that was not understood helps nobody
		l.dialect()
		l.override(overrides)
		l.check(mode)
		c = l.config()
	}
	problems, invalid := l.done()
	if invalid || c == nil {
		return nil, problems
	}
	c.problems = problems
	own := map[string][]Problem{}
	for _, p := range problems {
		own[p.Account] = append(own[p.Account], p)
	}
	for _, a := range c.Accounts {
		a.Problems = own[a.Name]
	}
	return c, problems
}

// text says whether src may be a text file at all.
func (l *loader) text(src []byte) bool {
	line := func(i int) int {
		before := src[:i]
		return bytes.Count(before, []byte("\n")) + bytes.Count(before, []byte("\r")) - bytes.Count(before, []byte("\r\n")) + 1
	}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		l.add(Problem{Line: 1, Severity: Error, Text: "the file begins with a byte order mark", Hint: "save it as UTF-8 without one"})
		return false
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		l.add(Problem{Line: line(i), Severity: Error, Text: "a zero octet: this is not a text file, or not in UTF-8", Hint: "save it as UTF-8"})
		return false
	}
	if !utf8.Valid(src) {
		i := 0
		for {
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		l.add(Problem{Line: line(i), Text: "this is not UTF-8; the octets are used as they are", Hint: "save the file as UTF-8"})
	}
	return true
}
