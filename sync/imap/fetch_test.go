package imap

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

const atDate = `INTERNALDATE "05-Jan-2026 10:00:00 +0100"`

// got reads mails into a text a mail: UID, flags, time and body.
func got(t *testing.T, s *Store, uids ...mail.UID) (out []string, err error) {
	t.Helper()
	err = s.Open("Box", false).Fetch(t.Context(), refs(uids), func(m mail.Mail, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err == nil && int64(len(b)) != m.Size {
			t.Errorf("UID %d: %d octets announced, %d came", m.Ref.UID, m.Size, len(b))
		}
		if len(b) > 20 {
			b = fmt.Appendf(nil, "%d octets", len(b))
		}
		date := "?"
		if !m.Date.IsZero() {
			date = m.Date.Format(time.DateOnly)
		}
		out = append(out, fmt.Sprintf("%d %s %s %s", m.Ref.UID, m.Flags, date, b))
		return err
	})
	slices.Sort(out)
	return out, err
}

func TestFetch(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	for _, tc := range []struct {
		name   string
		asked  []mail.UID
		answer string // to UID FETCH
		want   []string
	}{
		{"usual", []mail.UID{1, 2}, "* 1 FETCH (UID 1 FLAGS (\\Seen) " + atDate + " BODY[] {3}\r\nabc)\r\n" +
			"* 2 FETCH (UID 2 FLAGS () " + atDate + " BODY[] {0}\r\n)\r\nOK done", []string{"1 S 2026-01-05 abc", "2  2026-01-05 "}},
		{"all behind the body", []mail.UID{1}, "* 1 FETCH (BODY[] {3}\r\nabc FLAGS (\\Seen) " + atDate + " UID 1)\r\nOK done", []string{"1 S 2026-01-05 abc"}},
		{"flags behind the body", []mail.UID{1}, "* 1 FETCH (UID 1 " + atDate + " BODY[] {3}\r\nabc FLAGS (\\Draft))\r\nOK done", []string{"1 D 2026-01-05 abc"}},
		{"a large one with the UID behind it", []mail.UID{1, 2}, fmt.Sprintf("* 1 FETCH (BODY[] {%d}\r\n%s FLAGS () UID 1)\r\n", len(big), big) +
			"* 2 FETCH (BODY[] {3}\r\nabc FLAGS () UID 2)\r\nOK done", []string{"1  ? 3145728 octets", "2  ? abc"}},
		{"a date that is none", []mail.UID{1}, "* 1 FETCH (UID 1 FLAGS () INTERNALDATE NIL BODY[] {3}\r\nabc)\r\nOK done", []string{"1  ? abc"}},
		{"NIL", []mail.UID{1, 2}, "* 1 FETCH (UID 1 FLAGS () " + atDate + " BODY[] NIL)\r\n* 2 FETCH (UID 2 FLAGS () " + atDate + ")\r\nOK done", nil},
		{"quoted", []mail.UID{1}, "* 1 FETCH (UID 1 FLAGS () " + atDate + " BODY[] \"abc\")\r\nOK done", []string{"1  2026-01-05 abc"}},
		{"no flags", []mail.UID{1}, "* 1 FETCH (UID 1 " + atDate + " BODY[] {3}\r\nabc)\r\nOK done", nil},
		{"unasked, twice, and changes of flags", []mail.UID{2}, "* 7 FETCH (UID 7 FLAGS () " + atDate + " BODY[] {3}\r\nxyz)\r\n* 2 FETCH (FLAGS (\\Seen))\r\n" +
			"* 2 FETCH (UID 2 FLAGS () " + atDate + " BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 2 FLAGS () " + atDate + " BODY[] {3}\r\nabc)\r\n" +
			"* 2 FETCH (BODY[] {3}\r\nabc FLAGS () UID 2)\r\nOK done", []string{"2  2026-01-05 abc"}},
		{"not UID's body", []mail.UID{1}, "* 1 FETCH (UID 1 FLAGS () " + atDate + " BODY[HEADER] {3}\r\nabc)\r\nOK done", nil},
		{"gone", []mail.UID{1}, "OK done", nil},
		{"gone, and said so", []mail.UID{1}, "NO [EXPUNGEISSUED] it is gone", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := (&fake{answer: turns(map[string][]string{"SELECT": {opened(7, 9, 10, 8)}, "UID FETCH": {tc.answer}})}).serve(t)
			out, err := got(t, f.store(nil), tc.asked...)
			must(t, err)
			if !slices.Equal(out, tc.want) {
				t.Errorf("got %q, want %q", out, tc.want)
			}
		})
	}
}

var fetchedSet = regexp.MustCompile(`^UID FETCH (\S+)`)

// poisoned answers UID FETCH, and refuses every set with a mail that is bad.
func poisoned(bad func(mail.UID) bool) func(cmd string) string {
	return func(cmd string) string {
		m := fetchedSet.FindStringSubmatch(cmd)
		if m == nil {
			return ""
		}
		var sb strings.Builder
		for u := range set(m[1]).All {
			if bad(u) {
				return sb.String() + "NO Server Unavailable. 15"
			}
			fmt.Fprintf(&sb, "* %d FETCH (UID %[1]d FLAGS () %s BODY[] {3}\r\nabc)\r\n", u, atDate)
		}
		return sb.String() + "OK done"
	}
}

// A mail that the server will not give costs no other.
func TestFetchAroundAPoisonedMail(t *testing.T) {
	f := (&fake{answer: poisoned(func(u mail.UID) bool { return u == 3 || u == 77 })}).serve(t)
	var uids []mail.UID
	for u := mail.UID(1); u <= 100; u++ {
		uids = append(uids, u)
	}
	out, err := got(t, f.store(nil), uids...)
	must(t, err)
	if len(out) != 98 {
		t.Errorf("%d mails came, want 98", len(out))
	}
	if n := len(f.commands("^UID FETCH")); n > 40 {
		t.Errorf("it took %d commands", n)
	}

	f = (&fake{answer: poisoned(func(mail.UID) bool { return true })}).serve(t)
	if _, err := got(t, f.store(nil), uids...); store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeFolder {
		t.Errorf("none can be had: %v (%v)", err, store.ClassOf(err))
	}
	f = (&fake{answer: func(cmd string) string {
		if strings.HasPrefix(cmd, "UID FETCH") {
			return "NO Request is throttled. Suggested Backoff Time: 5000 milliseconds"
		}
		return ""
	}}).serve(t)
	if _, err := got(t, f.store(nil), uids...); store.ClassOf(err) != store.Temporary || hint(err) == "" {
		t.Errorf("throttled: %v (%v)", err, store.ClassOf(err))
	}
	if n := len(f.commands("^UID FETCH")); n != 1 {
		t.Errorf("a server that asks for rest got %d commands", n)
	}
}

// A set of many ranges comes in lines that servers take, all in one flight.
func TestFetchLongSet(t *testing.T) {
	f := (&fake{answer: poisoned(func(mail.UID) bool { return false })}).serve(t)
	var uids []mail.UID
	for u := mail.UID(100_000); u < 120_000; u += 2 {
		uids = append(uids, u)
	}
	out, err := got(t, f.store(nil), uids...)
	must(t, err)
	if len(out) != len(uids) {
		t.Errorf("%d mails came, want %d", len(out), len(uids))
	}
	cs := f.commands("^UID FETCH")
	for _, c := range cs {
		if len(c) > 7900 {
			t.Errorf("a line of %d octets", len(c))
		}
	}
	if len(cs) < 9 || len(cs) > 12 {
		t.Errorf("%d commands", len(cs))
	}
}

// UIDs of a mailbox that was replaced are not those of the one that is there.
func TestFetchFromAReplacedMailbox(t *testing.T) {
	for name, sel := range map[string]string{
		"another UIDVALIDITY": opened(8, 9, 10, 8),
		"the SELECT fails":    "NO no such mailbox",
	} {
		t.Run(name, func(t *testing.T) {
			answer := poisoned(func(mail.UID) bool { return false })
			selects := turns(map[string][]string{"SELECT": {opened(7, 9, 10, 0), opened(5, 2, 10, 0), sel}})
			f := (&fake{answer: func(cmd string) string {
				if a := selects(cmd); a != "" {
					return a
				}
				if strings.Contains(cmd, "1:*") {
					return "OK done"
				}
				return answer(cmd)
			}}).serve(t)
			s := f.store(func(o *Options) { o.MaxConnections = 1 })
			_, err := s.Open("Box", false).Scan(t.Context(), mail.Known{})
			must(t, err)
			_, err = s.Open("Other", false).Scan(t.Context(), mail.Known{})
			must(t, err)
			out, err := got(t, s, 1, 2)
			if err == nil || len(out) > 0 || store.ScopeOf(err) != store.ScopeFolder {
				t.Errorf("delivered %q, %v", out, err)
			}
			_, err = s.Open("Box", false).Begin().SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}})
			if err == nil || len(f.commands("^UID STORE")) > 0 {
				t.Errorf("%v after %q", err, f.commands("^UID STORE"))
			}
		})
	}
}

// A session that has a mailbox selected learns of new mails before it asks for them.
func TestFetchAsksForNews(t *testing.T) {
	f := (&fake{answer: poisoned(func(mail.UID) bool { return false })}).serve(t)
	s := f.store(nil)
	for range 2 {
		_, err := got(t, s, 1)
		must(t, err)
	}
	if c := f.commands("^(SELECT|NOOP|UID)"); len(c) != 4 || c[2] != "NOOP" {
		t.Errorf("commands %q", c)
	}
}

func TestDeliverStops(t *testing.T) {
	f := (&fake{answer: poisoned(func(mail.UID) bool { return false })}).serve(t)
	odd := errors.New("odd")
	n := 0
	err := f.store(nil).Open("Box", false).Fetch(t.Context(), refs([]mail.UID{1, 2, 3}), func(mail.Mail, io.Reader) error { n++; return odd })
	if !errors.Is(err, odd) || n != 1 || err.Error() != "odd" {
		t.Errorf("%v after %d mails", err, n)
	}
}

func TestHeaders(t *testing.T) {
	h := func(s string) string { return fmt.Sprintf("{%d}\r\n%s", len(s), s) }
	f := &fake{answer: turns(map[string][]string{"SELECT": {opened(7, 9, 10, 8)}, "UID FETCH": {
		"* 1 FETCH (UID 1 RFC822.SIZE 99 BODY[HEADER.FIELDS (MESSAGE-ID DATE)] " + h("Date: Mon,\r\n 5 Jan 2026\r\nMESSAGE-id :\r\n\t<a@b> \r\n\r\n") + ")\r\n" +
			"* 2 FETCH (BODY[HEADER.FIELDS (\"Message-ID\" \"Date\")] " + h("Message-ID: <a@b>\r\nMessage-ID: <a@b>\r\n\r\n") + " UID 2 RFC822.SIZE 100)\r\n" +
			"* 3 FETCH (UID 3 RFC822.SIZE -1 BODY[HEADER.FIELDS (Message-ID Date)] \"\")\r\n" +
			"* 4 FETCH (UID 4 RFC822.SIZE 1 BODY[HEADER.FIELDS (Message-ID Date)] NIL)\r\n" +
			"* 1 FETCH (UID 1 RFC822.SIZE 99 BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {2}\r\n\r\n)\r\n" +
			"* 9 FETCH (UID 9 RFC822.SIZE 1 BODY[HEADER.FIELDS (Message-ID Date)] {2}\r\n\r\n)\r\nOK done",
	}})}
	f.serve(t)
	read := func(s *Store) (hs []mail.Header) {
		must(t, s.Open("Box", false).Headers(t.Context(), refs([]mail.UID{1, 2, 3, 4}), func(h mail.Header) { hs = append(hs, h) }))
		return hs
	}
	want := []mail.Header{
		{Ref: mail.Ref{UID: 1}, MessageID: "<a@b>", Date: "Mon, 5 Jan 2026", Size: 99},
		{Ref: mail.Ref{UID: 2}, Size: 100},
		{Ref: mail.Ref{UID: 3}, Size: -1},
	}
	if hs := read(f.store(nil)); !slices.Equal(hs, want) {
		t.Errorf("got  %+v\nwant %+v", hs, want)
	}
	if hs := read(f.store(func(o *Options) { o.Host = "outlook.office365.com" })); len(hs) != 3 || hs[0].Size != -1 {
		t.Errorf("a size that is not to be trusted: %+v", hs)
	}
}
