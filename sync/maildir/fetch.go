package maildir

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Fetch delivers by ascending UID and key. A file that cannot be read leaves
// out its mail; the others are delivered, and then an error of scope ScopeMail
// tells of the first such file.
func (f *folder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	return f.eachFile(ctx, refs, func(ref mail.Ref, at place, in *source) error {
		_, _, flags := f.scheme.parse([]byte(at.name))
		m := mail.Mail{Ref: ref, Flags: flags, Size: in.size + in.lines.grow(), Date: in.date}
		return deliver(m, in.reader(ctx))
	})
}

// Headers reads each mail whole, since its size in wire form needs that.
// Errors are those of Fetch.
func (f *folder) Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error {
	return f.eachFile(ctx, refs, func(ref mail.Ref, _ place, in *source) error {
		h := mail.Header{Ref: ref, Size: in.size + in.lines.grow()}
		h.MessageID, h.Date = identify(in.head)
		found(h)
		return nil
	})
}

func (f *folder) eachFile(ctx context.Context, refs []mail.Ref, use func(mail.Ref, place, *source) error) error {
	if f.bad != nil {
		return f.bad
	}
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b mail.Ref) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.Key, b.Key))
	})
	refs = slices.Compact(refs)
	g, err := lookBoth(f.path())
	if err != nil {
		return f.fail("read", err)
	}
	if !f.readOnly && (g[inNew].missing() || g[inCur].missing()) {
		// Scan made what was missing, so it vanished since.
		return f.fail("read", pathErr("open", f.path(), unix.ENOENT))
	}
	d, err := openDirs(f.path(), g)
	if err != nil {
		return f.fail("read", err)
	}
	defer d.close()
	buf := f.s.lend()
	defer f.s.giveBack(buf)

	var bad error
	_, err = f.each(ctx, d, buf, refs, func(i int, at place) (place, error) {
		in, err := open(ctx, d, at, buf)
		switch {
		case err == nil:
			defer in.close()
			err = use(refs[i], at, in)
			if err != nil && store.ScopeOf(err) != store.ScopeMail {
				return at, &ending{err}
			}
		case ctx.Err() != nil:
			return at, ctx.Err()
		case errors.Is(err, unix.ENOENT):
			return at, err
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM):
			return at, err
		case bad == nil:
			bad = unreadable(ctx, err)
		}
		return at, nil
	})
	var end *ending
	switch {
	case errors.As(err, &end):
		return end.err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return f.fail("read", err)
	}
	return bad
}

// unreadable classes what leaves out one mail.
func unreadable(ctx context.Context, err error) error {
	var e *store.Error
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, &e) {
		return err
	}
	return failed(store.ScopeMail, err)
}

// ending carries an error of deliver, whatever it wraps, past those of files.
type ending struct{ err error }

func (e *ending) Error() string { return e.err.Error() }

// source is an open mail whose line ends were counted.
type source struct {
	fd    int
	path  string
	size  int64
	date  time.Time
	lines tally
	head  []byte // the first octets, in buf.in
	buf   *buffer
}

// open reads a mail whole where the buffer takes it, and else twice: the size in
// wire form must be known before the first octet goes out.
func open(ctx context.Context, d *dirs, at place, buf *buffer) (*source, error) {
	path := d.at(at.sub, at.name)
	if d.fd[at.sub] < 0 {
		return nil, pathErr("open", path, unix.ENOENT)
	}
	fd, err := openAt(d.fd[at.sub], at.name, unix.O_RDONLY|unix.O_NOATIME)
	if err != nil {
		return nil, pathErr("open", path, err)
	}
	in := &source{fd: fd, path: path, buf: buf}
	if err := in.measure(ctx); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *source) close() { _ = unix.Close(in.fd) }

func (in *source) stat() (size int64, date time.Time, err error) {
	st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Fstat(in.fd, &st) })
	if err != nil {
		return 0, date, pathErr("stat", in.path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, date, fmt.Errorf("%s is not a file", in.path)
	}
	return st.Size, time.Unix(st.Mtim.Unix()), nil
}

func (in *source) measure(ctx context.Context) (err error) {
	if in.size, in.date, err = in.stat(); err != nil {
		return err
	}
	prev := byte(0)
	for at := int64(0); at < in.size; {
		piece, err := in.read(ctx, at)
		if err != nil {
			return err
		}
		in.lines.count(piece, prev)
		prev = piece[len(piece)-1]
		at += int64(len(piece))
		if at == int64(len(piece)) {
			in.head = piece
		} else {
			in.head = nil // overwritten
		}
	}
	if in.head == nil && in.size > 0 {
		in.head, err = in.read(ctx, 0)
	}
	return err
}

// read returns the next octets of the file, at least one, and never more than it
// had when it was opened.
func (in *source) read(ctx context.Context, at int64) ([]byte, error) {
	piece := in.buf.in[:min(bufferSize, in.size-at)]
	for n := 0; n < len(piece); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := again(func() (int, error) { return unix.Pread(in.fd, piece[n:], at+int64(n)) })
		if err != nil {
			return nil, pathErr("read", in.path, err)
		}
		if m == 0 {
			return nil, in.changed()
		}
		n += m
	}
	return piece, nil
}

// changed is the error for a mail that did not keep still. Mails are not edited;
// a program that writes one in place is at work.
func (in *source) changed() error {
	return store.Fail(store.Temporary, store.ScopeMail, fmt.Errorf("%s was changed while it was read", in.path))
}

// reader gives the mail in wire form, once.
func (in *source) reader(ctx context.Context) io.Reader {
	in.buf.out = appendWire(in.buf.out[:0], in.head, 0, in.lines.wire())
	if int64(len(in.head)) == in.size {
		return bytes.NewReader(in.buf.out)
	}
	n := len(in.head)
	return &stream{ctx: ctx, in: in, at: int64(n), prev: in.head[n-1], rest: in.buf.out, total: int64(len(in.buf.out))}
}

// stream reads a mail that is larger than the buffer. It ends in io.EOF only
// where it gave what was announced.
type stream struct {
	ctx   context.Context
	in    *source
	at    int64 // octets read
	prev  byte  // the last of them
	rest  []byte
	total int64 // octets given, or in rest
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if len(s.rest) == 0 {
		if s.at == s.in.size {
			return 0, s.end()
		}
		piece, err := s.in.read(s.ctx, s.at)
		if err != nil {
			return 0, unreadable(s.ctx, err)
		}
		s.in.buf.out = appendWire(s.in.buf.out[:0], piece, s.prev, s.in.lines.wire())
		s.rest, s.prev = s.in.buf.out, piece[len(piece)-1]
		s.at += int64(len(piece))
		s.total += int64(len(s.rest))
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *stream) end() error {
	size, date, err := s.in.stat()
	if err != nil {
		return unreadable(s.ctx, err)
	}
	if size != s.in.size || !date.Equal(s.in.date) || s.total != s.in.size+s.in.lines.grow() {
		return s.in.changed()
	}
	return io.EOF
}
