package testenv

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// refusal is how the use of one capability shows in a client's command, and
// what of the server's words would not be there without it.
type refusal struct {
	capability string
	command    *regexp.Regexp // the command with its tag, literals left out but for their announcement
	answer     *regexp.Regexp // removed from status responses; nil: nothing
	line       *regexp.Regexp // lines that vanish whole; nil: none
	also       []string       // capabilities that need this one
}

func refusals() []refusal {
	tagged := func(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)^\S+ ` + s) }
	code := func(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)\[` + s + ` [^\]]*\] ?`) }
	return []refusal{
		{capability: "BINARY", command: regexp.MustCompile(`(?i)BINARY[.\[]|~\{`)},
		{capability: "COMPRESS=DEFLATE", command: tagged(`COMPRESS`)},
		{
			capability: "CONDSTORE",
			command:    regexp.MustCompile(`(?i)\(CONDSTORE\)|CHANGEDSINCE|\bMODSEQ\b|HIGHESTMODSEQ|UNCHANGEDSINCE|^\S+ ENABLE.* (CONDSTORE|QRESYNC)`),
			line:       regexp.MustCompile(`(?i)^\* OK \[(HIGHESTMODSEQ|NOMODSEQ)`),
			also:       []string{"QRESYNC"},
		},
		{capability: "ENABLE", command: tagged(`ENABLE`), also: []string{"QRESYNC"}},
		{capability: "ESEARCH", command: regexp.MustCompile(`(?i)\bSEARCH RETURN`), also: []string{"SEARCHRES"}},
		{capability: "ID", command: tagged(`ID `)},
		{capability: "IDLE", command: tagged(`IDLE`)},
		{capability: "LIST-EXTENDED", command: regexp.MustCompile(`(?i)^\S+ LIST (\(|.*\bRETURN \()`), also: []string{"LIST-STATUS"}},
		{capability: "LIST-STATUS", command: regexp.MustCompile(`(?i)^\S+ LIST .*RETURN \(.*\bSTATUS \(`)},
		{capability: "LITERAL+", command: regexp.MustCompile(`\{\d+\+\}$`), also: []string{"LITERAL-"}},
		{capability: "MOVE", command: tagged(`(UID )?MOVE`)},
		{capability: "MULTIAPPEND", command: tagged(`APPEND ("([^"\\]|\\.)*"|\S+) .*\x00\s*\S`)},
		{capability: "NAMESPACE", command: tagged(`NAMESPACE`)},
		{capability: "NOTIFY", command: tagged(`NOTIFY`)},
		{capability: "QRESYNC", command: regexp.MustCompile(`(?i)\(QRESYNC|VANISHED\)|^\S+ ENABLE.* QRESYNC`)},
		{capability: "SASL-IR", command: tagged(`AUTHENTICATE \S+ \S`)},
		{capability: "SPECIAL-USE", command: regexp.MustCompile(`(?i)^\S+ LIST .*SPECIAL-USE`)},
		{capability: "STARTTLS", command: tagged(`STARTTLS`)},
		{
			capability: "UIDPLUS",
			command:    tagged(`UID EXPUNGE`),
			answer:     code(`(APPENDUID|COPYUID|UIDNOTSTICKY)`),
		},
		{capability: "UNSELECT", command: tagged(`UNSELECT`)},
	}
}

// Refusable lists the capabilities that ProxyOptions.Without may name.
func Refusable() []string {
	var names []string
	for _, r := range refusals() {
		names = append(names, r.capability)
	}
	return names
}

// without takes capabilities out of a dialogue.
type without struct {
	words   []string // announcements to remove
	refused []refusal
}

func newWithout(names []string) (*without, error) {
	w := &without{}
	table := refusals()
	for i := 0; i < len(names); i++ {
		at := slices.IndexFunc(table, func(r refusal) bool { return r.capability == names[i] })
		if at < 0 {
			if names[i] == "SEARCHRES" || names[i] == "LITERAL-" {
				w.words = append(w.words, names[i])
				continue
			}
			return nil, fmt.Errorf("cannot do without %s, only without %s", names[i], strings.Join(Refusable(), " "))
		}
		if slices.Contains(w.words, names[i]) {
			continue
		}
		w.words = append(w.words, names[i])
		w.refused = append(w.refused, table[at])
		names = append(names, table[at].also...)
	}
	return w, nil
}

// used returns the capability that a command would need. before are the
// earlier lines of the command; a NUL stands for each literal between.
func (w *without) used(before, line string) string {
	whole := before + line
	for _, r := range w.refused {
		if r.command.MatchString(whole) {
			return r.capability
		}
	}
	return ""
}

var announcement = regexp.MustCompile(`(?i)^\* CAPABILITY |\[CAPABILITY `)

// edit returns a line of the server without what it would not say; nothing is
// left of a line that it would not send at all.
func (w *without) edit(line []byte) []byte {
	if len(w.words) == 0 {
		return line
	}
	if at := announcement.FindIndex(line); at != nil {
		line = w.announce(line, at[1])
	}
	status := !bytes.HasPrefix(line, []byte("* ")) || isStatusLine(line[2:])
	for _, r := range w.refused {
		if r.line != nil && r.line.Match(line) {
			return nil
		}
		if r.answer != nil && status {
			line = r.answer.ReplaceAll(line, nil)
		}
	}
	return line
}

// announce removes words from the list that starts at from. IMAP4rev2 (RFC
// 9051, appendix E) implies many of them, and so goes with any.
func (w *without) announce(line []byte, from int) []byte {
	end := bytes.IndexByte(line[from:], ']')
	if end < 0 {
		end = len(bytes.TrimRight(line[from:], "\r\n"))
	}
	kept := slices.DeleteFunc(strings.Fields(string(line[from:from+end])), func(word string) bool {
		return slices.Contains(w.words, strings.ToUpper(word)) || strings.EqualFold(word, "IMAP4rev2") && w.impliedByRev2()
	})
	return slices.Concat(line[:from], []byte(strings.Join(kept, " ")), line[from+end:])
}

func (w *without) impliedByRev2() bool {
	return slices.ContainsFunc(w.words, func(word string) bool {
		switch word {
		case "COMPRESS=DEFLATE", "STARTTLS", "CONDSTORE", "QRESYNC", "LITERAL+", "MULTIAPPEND", "NOTIFY", "ID":
			return false
		}
		return true
	})
}
