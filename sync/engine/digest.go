package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// sum identifies the content of a mail, line ends aside.
type sum = [sha256.Size]byte

// digester hashes a body with every CRLF as LF, since a store may have had to
// mend bare LFs on the way.
type digester struct {
	h  hash.Hash
	cr bool // a CR is held back until what follows is known
	n  int64
}

func newDigester() *digester { return &digester{h: sha256.New()} }

func (d *digester) reset() {
	d.h.Reset()
	d.cr, d.n = false, 0
}

func (d *digester) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	n := len(p)
	if d.cr && len(p) > 0 {
		if p[0] != '\n' {
			d.h.Write([]byte{'\r'})
		}
		d.cr = false
	}
	for {
		i := bytes.IndexByte(p, '\r')
		if i < 0 {
			d.h.Write(p)
			return n, nil
		}
		d.h.Write(p[:i])
		if p = p[i+1:]; len(p) == 0 {
			d.cr = true
			return n, nil
		}
		if p[0] != '\n' {
			d.h.Write([]byte{'\r'})
		}
	}
}

func (d *digester) sum() (s sum) {
	if d.cr {
		d.h.Write([]byte{'\r'})
		d.cr = false
	}
	d.h.Sum(s[:0])
	return s
}

// digest reports the content of each mail that is still there and can be read.
func (f *folderRun) digest(ctx context.Context, from store.Folder, refs []mail.Ref, found func(mail.Ref, sum)) error {
	d := newDigester()
	return f.tolerate(from.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		d.reset()
		if _, err := io.Copy(d, r); err != nil {
			return err
		}
		found(m.Ref, d.sum())
		return nil
	}))
}

// digestLocal reports of local mails both what they are here and what they are once
// they were sent, without the fields of Policy.Strip.
func (f *folderRun) digestLocal(ctx context.Context, refs []mail.Ref, found func(r mail.Ref, here, sent sum)) error {
	d, cut := newDigester(), newDigester()
	return f.tolerate(f.local.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		d.reset()
		if f.run.strip == nil {
			if _, err := io.Copy(d, r); err != nil {
				return err
			}
			s := d.sum()
			found(m.Ref, s, s)
			return nil
		}
		cut.reset()
		if _, err := io.Copy(cut, f.run.strip.Reader(io.TeeReader(r, d))); err != nil {
			return err
		}
		found(m.Ref, d.sum(), cut.sum())
		return nil
	}))
}
