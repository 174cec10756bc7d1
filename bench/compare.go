package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// view is what is in each mailbox: each mail as its hash and its flags, sorted.
type view map[string][]string

func remoteView(all map[string][]testenv.Message) view {
	v := view{}
	for name, list := range all {
		v[name] = []string{}
		for _, m := range list {
			v[name] = append(v[name], m.SHA256+" "+letters(m.Flags))
		}
		slices.Sort(v[name])
	}
	return v
}

// letters are the Maildir letters of flags that have one.
func letters(flags []string) string {
	var sb strings.Builder
	for _, f := range []struct{ flag, letter string }{
		{`\Draft`, "D"}, {`\Flagged`, "F"}, {`\Answered`, "R"}, {`\Seen`, "S"}, {`\Deleted`, "T"},
	} {
		if slices.Contains(flags, f.flag) {
			sb.WriteString(f.letter)
		}
	}
	return sb.String()
}

// localView leaves out "." (a tree has no mails at its root) and does not
// forgive a file in tmp.
func localView(all map[string][]testenv.File) view {
	v := view{}
	for name, list := range all {
		v[name] = []string{}
		for _, f := range list {
			s := f.SHA256 + " " + f.Flags
			if f.Sub == "tmp" {
				s += " in tmp"
			}
			v[name] = append(v[name], s)
		}
		slices.Sort(v[name])
	}
	return v
}

// differences says how got differs from want; nothing where they agree.
func differences(want, got view) []string {
	var out []string
	for name, list := range want {
		other, ok := got[name]
		if !ok {
			out = append(out, fmt.Sprintf("%s is missing", name))
			continue
		}
		missing, extra := minus(list, other), minus(other, list)
		if len(missing)+len(extra) > 0 {
			out = append(out, fmt.Sprintf("%s: %d of %d are not there, %d are there that should not be (%.3q, %.3q)",
				name, len(missing), len(list), len(extra), first(missing), first(extra)))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			out = append(out, fmt.Sprintf("%s should not be there", name))
		}
	}
	slices.Sort(out)
	return out
}

// minus returns what of the sorted list a is not in the sorted list b, counted.
func minus(a, b []string) []string {
	var out []string
	for _, s := range a {
		for len(b) > 0 && b[0] < s {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == s {
			b = b[1:]
		} else {
			out = append(out, s)
		}
	}
	return out
}

func first(list []string) []string { return list[:min(3, len(list))] }

// check fails the benchmark unless both sides of a seat are as wanted.
func check(e *env, s *seat, addr, when string, want view) {
	m := reader(e, addr, s.user, s.pass)
	remote := remoteView(m.Snapshot())
	m.Close()
	local := localView(testenv.MaildirSnapshot(e, s.mail, withoutTUID))
	for side, got := range map[string]view{"the server": remote, "the Maildir": local} {
		if d := differences(want, got); len(d) > 0 {
			e.Fatalf("%s, %s: %s is not as it should be: %s\n%s", s.program, when, side, strings.Join(first(d), "; "), s.said())
		}
	}
}

// reader is a client that looks past mbsync's own header.
func reader(e *env, addr, user, pass string) *testenv.Mailer {
	m := testenv.Client(e, addr, user, pass)
	m.Edit = withoutTUID
	return m
}

// withoutTUID takes out the header with which mbsync finds a mail again that
// it stored: it puts one into each mail that it copies.
func withoutTUID(mail []byte) []byte {
	at := bytes.Index(mail, []byte("X-TUID: "))
	if at < 0 || at > 0 && mail[at-1] != '\n' {
		return mail
	}
	end := bytes.IndexByte(mail[at:], '\n')
	if end < 0 || len(bytes.TrimSpace(mail[at:at+end])) != len("X-TUID: ")+12 {
		return mail
	}
	return slices.Concat(mail[:at], mail[at+end+1:])
}
