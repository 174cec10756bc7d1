package engine

import (
	"context"
	"io"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// A mail that was sent from here is on the server without the fields of
// Policy.Strip, and here with them; one that came from the server is the same on
// both sides. Which of them a mail is, the base need not know. Where it knows
// nothing, both forms are looked for; and the journal is about what is sent.

// sent is what the header of a local mail is like once it was sent, but for the
// size, which only all of the mail tells.
func (r *run) sent(h mail.Header) mail.Header {
	if r.strip.Has("Message-ID") {
		h.MessageID = ""
	}
	if r.strip.Has("Date") {
		h.Date = ""
	}
	return h
}

// sentHeaders reports of local mails, if they would be sent as anything else than
// they are here, what identifies them then.
func (r *run) sentHeaders(ctx context.Context, local store.Folder, refs []mail.Ref, found func(mail.Header)) error {
	if r.strip == nil || len(refs) == 0 {
		return nil
	}
	sizes := map[mail.Ref]int64{}
	if err := local.Fetch(ctx, refs, func(m mail.Mail, body io.Reader) error {
		n, err := io.Copy(io.Discard, r.strip.Reader(body))
		if err == nil && n != m.Size {
			sizes[m.Ref] = n
		}
		return err
	}); err != nil && store.ScopeOf(err) != store.ScopeMail {
		return err
	}
	changed := make([]mail.Ref, 0, len(sizes))
	for ref := range sizes {
		changed = append(changed, ref)
	}
	return local.Headers(ctx, changed, func(h mail.Header) {
		h = r.sent(h)
		h.Size = sizes[h.Ref]
		found(h)
	})
}
