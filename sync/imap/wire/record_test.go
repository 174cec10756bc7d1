package wire

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// recorder writes down what handlers are given, one line a call.
type recorder struct{ lines []string }

func (r *recorder) put(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) String() string { return strings.Join(r.lines, "\n") }

func (r *recorder) handler() *Handler {
	return &Handler{
		Fetch: func(f *Fetch) error { r.put("%s", fetchLine(f)); return nil },
		Body: func(f *Fetch, section string, size int64, rd io.Reader) error {
			b, err := io.ReadAll(rd)
			r.put("body seq=%d uid=%d [%s] size=%d %q err=%v", f.Seq, f.UID, section, size, b, err)
			return nil
		},
		Vanished: func(set imap.UIDSet, earlier bool) { r.put("vanished %s earlier=%v", set, earlier) },
		Expunge:  func(seq uint32) { r.put("expunge %d", seq) },
		Exists:   func(n uint32) { r.put("exists %d", n) },
		Status: func(s *Status) {
			r.put("status %q messages=%v/%d unseen=%v/%d next=%d validity=%d modseq=%d size=%d limit=%d id=%s", s.Mailbox,
				s.HasMessages, s.Messages, s.HasUnseen, s.Unseen, s.UIDNext, s.UIDValidity, s.HighestModSeq, s.Size, s.AppendLimit, s.MailboxID)
		},
		List: func(l *List) {
			r.put("list %q delim=%q attrs=%v old=%q lsub=%v", l.Mailbox, l.Delim, l.Attrs, l.OldName, l.Lsub)
		},
		Search: func(s *Search) {
			r.put("search %s uid=%v count=%v/%d min=%d max=%d modseq=%d", s.Set, s.UID, s.HasCount, s.Count, s.Min, s.Max, s.ModSeq)
		},
		Flags:   func(flags []imap.Flag, permanent bool) { r.put("flags %v permanent=%v", flags, permanent) },
		Code:    func(code, arg string) { r.put("code %s %q", code, arg) },
		Text:    func(kind, code, text string) { r.put("text %s %s %q", kind, code, text) },
		Enabled: func(caps imap.CapSet) { r.put("enabled %v", slices.Sorted(maps.Keys(caps))) },
		Namespace: func(n *imap.NamespaceData) {
			r.put("namespace %v %v %v", n.Personal, n.Other, n.Shared)
		},
		ID: func(fields map[string]string) { r.put("id %v", fields) },
	}
}

func fetchLine(f *Fetch) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "fetch seq=%d uid=%d", f.Seq, f.UID)
	if f.HasFlags {
		fmt.Fprintf(&sb, " flags=%v", f.Flags)
	}
	if f.ModSeq != 0 {
		fmt.Fprintf(&sb, " modseq=%d", f.ModSeq)
	}
	if f.Size >= 0 {
		fmt.Fprintf(&sb, " size=%d", f.Size)
	}
	if !f.Date.IsZero() {
		fmt.Fprintf(&sb, " date=%s", f.Date.Format("2006-01-02T15:04:05Z07:00"))
	}
	for _, k := range slices.Sorted(maps.Keys(f.Other)) {
		fmt.Fprintf(&sb, " %s=%s", k, f.Other[k])
	}
	return sb.String()
}
