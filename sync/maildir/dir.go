package maildir

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// The directories of a folder. A mail is in one of the first two.
const (
	inNew = iota
	inCur
	inTmp
)

var subs = [...]string{"new", "cur", "tmp"}

// margin is how long a directory must have rested for its times to tell it from
// every later state: the coarsest clock of a file system ticks every 2 s (FAT).
const margin = 2 * time.Second

// glance is what one stat call tells of a directory; zero where there is none.
type glance struct {
	dev, ino     uint64
	mtime, ctime int64 // ns since 1970
	size         int64
}

func look(path string) (glance, error) {
	st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Stat(path, &st) })
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return glance{}, pathErr("stat", path, err)
	}
	return glance{uint64(st.Dev), st.Ino, st.Mtim.Nano(), st.Ctim.Nano(), st.Size}, nil
}

func (g glance) missing() bool { return g == glance{} }

// rested tells whether the directory has not been changed since margin before t.
// Had it been, a change after the glance might leave its times as they are.
func (g glance) rested(t time.Time) bool {
	limit := t.Add(-margin).UnixNano()
	return g.mtime < limit && g.ctime < limit
}

// lookBoth glances at new and cur, the two of a folder that hold mails. One of
// them may be missing, since backups and version control drop empty directories;
// without both there is no folder. A link that leads nowhere is not missing: what
// it stood for may be on a disk that is not mounted.
func lookBoth(path string) (g [2]glance, err error) {
	var missing error
	for i := range g {
		sub := path + "/" + subs[i]
		g[i], err = look(sub)
		if errors.Is(err, unix.ENOENT) && missing == nil && kind(sub) == 0 {
			missing, err = err, nil
		}
		if err != nil {
			return g, err
		}
	}
	if g[inNew].missing() && g[inCur].missing() {
		return g, missing
	}
	return g, nil
}

// kind is the type of what has this path, a link not followed, as in stat(2);
// 0 where there is nothing.
func kind(path string) uint32 {
	st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Lstat(path, &st) })
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return unix.S_IFMT // something, of no type
	}
	return st.Mode & unix.S_IFMT
}

// stamp is the mark of what lookBoth told at a moment that is not before t. It
// is never sure of half a folder.
func stamp(g [2]glance, t time.Time) mail.Stamp {
	b := make([]byte, 0, 128)
	for _, d := range g {
		for _, n := range [...]uint64{d.dev, d.ino, uint64(d.mtime), uint64(d.ctime)} {
			b = strconv.AppendUint(b, n, 36)
			b = append(b, ' ')
		}
	}
	return mail.Stamp{Token: string(b[:len(b)-1]), Sure: g[inNew].sure(t) && g[inCur].sure(t)}
}

func (g glance) sure(t time.Time) bool { return !g.missing() && g.rested(t) }

// dirs are the open directories of one folder, by inNew, inCur and inTmp; -1
// is one that is not open.
type dirs struct {
	path string
	fd   [3]int
}

// openDirs opens new and cur for reading, but for one that is missing as g has it.
func openDirs(path string, g [2]glance) (*dirs, error) {
	d := &dirs{path, [3]int{-1, -1, -1}}
	for sub := range g {
		if g[sub].missing() {
			continue
		}
		if err := d.open(sub); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// openToWrite opens new, cur and tmp, which it makes where it is missing.
func openToWrite(path string) (*dirs, error) {
	d := &dirs{path, [3]int{-1, -1, -1}}
	for sub := range subs {
		err := d.open(sub)
		if sub == inTmp && errors.Is(err, unix.ENOENT) {
			if err = unix.Mkdir(path+"/tmp", 0o700); err == nil || err == unix.EEXIST {
				err = d.open(sub)
			} else {
				err = pathErr("mkdir", path+"/tmp", err)
			}
		}
		if err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *dirs) open(sub int) error {
	path := d.path + "/" + subs[sub]
	fd, err := openAt(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOATIME)
	if err != nil {
		return pathErr("open", path, err)
	}
	d.fd[sub] = fd
	return nil
}

func (d *dirs) close() {
	for i, fd := range d.fd {
		if fd >= 0 {
			_ = unix.Close(fd)
			d.fd[i] = -1
		}
	}
}

// at returns the path of a file, for people.
func (d *dirs) at(sub int, name string) string { return d.path + "/" + subs[sub] + "/" + name }

// openAt opens without waiting (a mail may be replaced by a pipe), and leaves
// the access time alone where the file's owner may ask for that.
func openAt(dir int, name string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, err := again(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	if err == unix.EPERM && flags&unix.O_NOATIME != 0 {
		return again(func() (int, error) { return unix.Openat(dir, name, flags&^unix.O_NOATIME, 0) })
	}
	return fd, err
}

// eachEntry calls f with every name in an open directory and its type; name is
// valid during the call only. A buffer that takes the whole directory makes it
// one moment's state: the kernel lets no rename happen during a call of getdents.
func eachEntry(ctx context.Context, fd int, buf []byte, f func(name []byte, kind byte)) error {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := again(func() (int, error) { return unix.Getdents(fd, buf) })
		if err != nil || n <= 0 {
			return err
		}
		// struct linux_dirent64: ino, off (8 octets each), reclen (2), type (1), name.
		for rest := buf[:n]; len(rest) > 19; {
			size := int(binary.NativeEndian.Uint16(rest[16:]))
			entry := rest[:size]
			rest = rest[size:]
			kind, name := entry[18], entry[19:]
			if i := bytes.IndexByte(name, 0); i >= 0 {
				name = name[:i]
			}
			if len(name) > 0 {
				f(name, kind)
			}
		}
	}
}

// isMail tells whether an entry of new or cur is a mail: what begins with a dot
// is not, whatever it holds. A link to a mail is one.
func isMail(name []byte, kind byte) bool {
	return name[0] != '.' && (kind == unix.DT_REG || kind == unix.DT_LNK || kind == unix.DT_UNKNOWN)
}

// bufferSize holds a mail of common size, or a directory of 600 mails.
const bufferSize = 128 << 10

// roomFor returns the size of a buffer for a directory, by what its size and
// the number of mails known say of it; a huge one is read in parts.
func roomFor(g glance, count int) int {
	return int(min(max(2*g.size, int64(count)*160, bufferSize), 4<<20))
}

// buffer is lent by the store. It never shrinks.
type buffer struct{ in, out []byte }

func (s *Store) lend() *buffer { return s.buffers.Get().(*buffer) }

func (s *Store) giveBack(b *buffer) { s.buffers.Put(b) }

// grown returns in with at least n octets.
func (b *buffer) grown(n int) []byte {
	if len(b.in) < n {
		b.in = make([]byte, n)
	}
	return b.in
}
