package maildir

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Put writes a mail to tmp. The file's time is that of its arrival here unless
// KeepDate or HeaderDate say otherwise; it is set before Commit has the file
// written to the disk.
func (w *work) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if m.Ref.UID == 0 {
		return store.Fail(store.Protocol, store.ScopeMail, fmt.Errorf("a mail for %q has no UID", w.f.name))
	}
	fd, name, err := w.create(m.Ref.UID)
	if err != nil {
		return w.f.fail("store into", err)
	}
	p := &intake{w: w, ctx: ctx, fd: fd, path: w.d.at(inTmp, name), want: m.Size}
	err = p.copy(r)
	if err == nil && p.lines.wire() {
		err = p.expand()
	}
	if err == nil {
		w.setTime(name, m.Date, p.dates)
	}
	if e := unix.Close(fd); e != nil && err == nil {
		err = w.f.fail("store into", pathErr("close", p.path, e))
	}
	if err != nil {
		_ = unix.Unlinkat(w.d.fd[inTmp], name, 0)
		return err
	}
	base := name
	if at := p.dates.named(); w.f.s.o.NameDate && !at.IsZero() {
		base = w.f.s.datedName(w.f.scheme, m.Ref.UID, at)
	}
	w.waiting = append(w.waiting, waiting{name, base, m.Ref.UID, m.Flags & w.f.s.o.Mask})
	w.added = append(w.added, 0)
	return nil
}

// setTime gives a file in tmp its time. One that the file system cannot keep is no
// reason to lose the mail.
func (w *work) setTime(name string, arrived time.Time, header dates) {
	now := unix.Timespec{Nsec: unix.UTIME_OMIT}
	times := []unix.Timespec{now, now}
	if w.f.s.o.KeepDate && !arrived.IsZero() {
		if t, err := unix.TimeToTimespec(arrived); err == nil {
			times[1] = t
		}
	}
	if w.f.s.o.HeaderDate && !header.date.IsZero() {
		if t, err := unix.TimeToTimespec(header.date); err == nil {
			times[0], times[1] = t, t
		}
	}
	if times[1] != now {
		_ = unix.UtimesNanoAt(w.d.fd[inTmp], name, times, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// create opens a new file in tmp.
func (w *work) create(uid mail.UID) (fd int, name string, err error) {
	for range 100 {
		name = w.f.s.freshName(w.f.scheme, uid)
		fd, err = again(func() (int, error) {
			return unix.Openat(w.d.fd[inTmp], name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666)
		})
		if err != unix.EEXIST {
			break
		}
	}
	if err != nil {
		return -1, "", pathErr("create", w.d.at(inTmp, name), err)
	}
	return fd, name, nil
}

// intake is a mail on its way into a file.
type intake struct {
	w     *work
	ctx   context.Context
	fd    int
	path  string
	want  int64 // octets announced, -1 if none were
	came  int64
	size  int64 // of the file
	lines tally // of the file, if its line ends were converted
	dates dates // of the header, where they are wanted
}

// copy stores what r gives, in pieces as large as the buffer.
func (p *intake) copy(r io.Reader) error {
	buf := p.w.buf.in[:bufferSize]
	prev := byte(0)
	for held := 0; ; {
		n, err := p.fill(r, buf[held:])
		p.came += int64(n)
		if err != nil && err != io.EOF {
			return fmt.Errorf("read a mail for %q: %w", p.w.f.name, err)
		}
		last := err == io.EOF
		if p.want >= 0 && (p.came > p.want || last && p.came < p.want) {
			return store.Fail(store.Protocol, store.ScopeMail,
				fmt.Errorf("a mail for %q was announced with %d octets, and %s came", p.w.f.name, p.want, p.howMany(last)))
		}
		piece := buf[:held+n]
		if o := &p.w.f.s.o; p.came == int64(len(piece)) && (o.HeaderDate || o.NameDate) {
			p.dates = datesOf(piece)
		}
		// A CR at the end waits for what follows it.
		held = 0
		if !last && piece[len(piece)-1] == '\r' {
			piece, held = piece[:len(piece)-1], 1
		}
		if len(piece) > 0 {
			end := piece[len(piece)-1]
			if !last || p.came > int64(len(piece)) || !staysWire(piece) {
				piece = p.lines.toFile(piece, prev)
			}
			prev = end
			if err := writeAll(p.fd, piece, p.size); err != nil {
				return p.w.f.fail("store into", pathErr("write", p.path, err))
			}
			p.size += int64(len(piece))
		}
		if last {
			return nil
		}
		if held > 0 {
			buf[0] = '\r'
		}
	}
}

func (p *intake) howMany(last bool) string {
	if last {
		return fmt.Sprint(p.came)
	}
	return fmt.Sprintf("at least %d", p.came)
}

// fill reads until the buffer is full or the mail ends.
func (p *intake) fill(r io.Reader, buf []byte) (n int, err error) {
	for idle := 0; n < len(buf) && err == nil; {
		if err := p.ctx.Err(); err != nil {
			return n, err
		}
		var m int
		m, err = r.Read(buf[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// expand gives the file the line ends of the wire again, because it would be
// read back as one in wire form as it is. It goes from the end to the start, so
// that nothing is written over what was not read. A bare LF becomes CRLF too,
// as it does on every way to the wire.
func (p *intake) expand() error {
	for end, shift := p.size, p.lines.lf; shift > 0; {
		piece := p.w.buf.in[:min(bufferSize, end)]
		end -= int64(len(piece))
		if err := readAll(p.fd, piece, end); err != nil {
			return p.w.f.fail("store into", pathErr("read", p.path, err))
		}
		shift -= int64(bytes.Count(piece, []byte{'\n'}))
		p.w.buf.out = appendWire(p.w.buf.out[:0], piece, 0, false)
		if err := writeAll(p.fd, p.w.buf.out, end+shift); err != nil {
			return p.w.f.fail("store into", pathErr("write", p.path, err))
		}
	}
	return nil
}

// writeAll writes at an offset.
func writeAll(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := again(func() (int, error) { return unix.Pwrite(fd, b, at) })
		if err != nil {
			return err
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

func readAll(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := again(func() (int, error) { return unix.Pread(fd, b, at) })
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}
