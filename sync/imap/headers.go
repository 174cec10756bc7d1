package imap

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

const (
	headerItems   = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])"
	headerSection = "HEADER.FIELDS" // servers write what follows in ways of their own
	longestHeader = 64 << 10
)

// Headers asks for two header fields and the size of each mail.
func (f *folder) Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error {
	want := newWanted(refs)
	if want.left == 0 {
		return nil
	}
	err := f.s.reading(ctx, f.name, func(x *session) (bool, error) {
		h := &headers{x: x, want: want, found: found}
		err := f.bisect(ctx, x, want, headerItems, func(b *box) *wire.Handler {
			h.usable = func() bool { return f.same(b) == nil }
			return &wire.Handler{Body: h.body, Fetch: h.end}
		})
		return want.left < len(want.uids), err
	})
	return f.wrap(err, "read headers of %s", f)
}

type headers struct {
	x      *session
	want   *wanted
	found  func(mail.Header)
	usable func() bool
	text   bytes.Buffer
	has    bool
}

func (h *headers) body(_ *wire.Fetch, section string, _ int64, r io.Reader) error {
	if !strings.HasPrefix(section, headerSection) {
		return nil
	}
	h.text.Reset()
	h.has = true
	_, err := io.Copy(&h.text, io.LimitReader(r, longestHeader))
	return err
}

func (h *headers) end(m *wire.Fetch) error {
	if !h.has {
		return nil
	}
	h.has = false
	u := mail.UID(m.UID)
	if !h.usable() || !h.want.take(u) {
		return nil
	}
	out := mail.Header{Ref: mail.Ref{UID: u}, Size: m.Size}
	if h.x.quirks.wrongSize {
		out.Size = -1
	}
	out.MessageID, out.Date = identity(h.text.Bytes())
	h.found(out)
	return nil
}

// identity reads Message-ID and Date out of a header. A field that comes twice
// identifies nothing.
func identity(header []byte) (id, date string) {
	ids, dates := 0, 0
	for len(header) > 0 {
		field, rest := cutField(header)
		header = rest
		name, value, ok := bytes.Cut(field, []byte(":"))
		if !ok {
			continue
		}
		switch strings.ToLower(string(bytes.TrimRight(name, " \t"))) {
		case "message-id":
			ids++
			id = unfold(value)
		case "date":
			if dates++; dates == 1 {
				date = unfold(value)
			}
		}
	}
	if ids != 1 {
		id = ""
	}
	return id, date
}

// cutField returns the first field with its folded lines, and what follows.
func cutField(p []byte) (field, rest []byte) {
	for i := 0; ; i++ {
		j := bytes.IndexByte(p[i:], '\n')
		if j < 0 {
			return p, nil
		}
		i += j
		if i+1 == len(p) || p[i+1] != ' ' && p[i+1] != '\t' {
			return p[:i+1], p[i+1:]
		}
	}
}

// unfold takes the line ends out of a value (RFC 5322, section 2.2.3).
func unfold(value []byte) string {
	value = bytes.ReplaceAll(value, []byte("\r\n"), nil)
	value = bytes.ReplaceAll(value, []byte("\n"), nil)
	return string(bytes.TrimSpace(value))
}
