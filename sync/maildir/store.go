package maildir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// ErrNoRoot is wrapped by the error of Survey and Create when the root of the
// tree is not there: it may be on a disk that is not mounted.
var ErrNoRoot = errors.New("the Maildir does not exist")

// Options say how the tree is laid out and named. The zero value of each
// field is OfflineIMAP's default, but for Durable.
type Options struct {
	Separator     byte // '.': folders side by side in the root; '/': nested. 0: '.'
	InfoSeparator byte // before "2,<flags>" in file names: ':' or '!'. 0: ':'
	// VisibleName gives the name whose MD5 stands in file names: the folder's
	// name after the repository's nametrans. Nil: the name itself.
	VisibleName func(name string) string
	Durable     bool       // Commit waits until all is on the disk
	KeepDate    bool       // a file gets the time when its mail arrived at the server, not here
	HeaderDate  bool       // a file gets the time of its mail's Date field, where that gives one
	NameDate    bool       // the number that a file name begins with is that of the Date field, or of Delivery-date
	Mask        mail.Flags // the flags that may be synchronised. 0: all
	// Changed is told the path of each file before and after what was done to it:
	// no path before that of a mail that came in, none after that of one that was
	// removed. It is called when Commit has made that durable, or when the Work is
	// discarded; in order for a Work, and maybe by several goroutines at once. It
	// must not wait. Nil: nobody is told.
	Changed func(from, to string)
	// What file names are made of; the zero values stand for the real ones.
	Now  func() time.Time
	Host string
	Pid  int
	// Names counts the names made so far. Stores of one process must share one, or
	// two of them make the same name in the same second. Nil: a new one.
	Names *atomic.Uint64
}

// Store is a tree of Maildir folders.
type Store struct {
	late    chan func() // takes the unlock of a lock that Lock could not take yet; nil: none is due
	root    string
	o       Options
	origin  string        // ".<pid>.<host>", the part of file names that says whose they are
	opened  atomic.Uint64 // counts Works that opened their folder
	cleaned sync.Map      // folder name -> *sync.Once that has removed what was left over in tmp
	buffers sync.Pool     // *buffer
	former  map[string][]string
}

// Formerly says which other visible names a folder had: files that carry the MD5
// of one of them are still its own. It is called before the folder is opened.
func (s *Store) Formerly(folder string, visible []string) {
	if s.former == nil {
		s.former = map[string][]string{}
	}
	s.former[folder] = visible
}

var _ store.Store = (*Store)(nil)

// New returns the store for the tree below root, which need not exist.
func New(root string, o Options) *Store {
	if o.Separator == 0 {
		o.Separator = '.'
	}
	if o.InfoSeparator == 0 {
		o.InfoSeparator = ':'
	}
	if o.VisibleName == nil {
		o.VisibleName = func(name string) string { return name }
	}
	if o.Names == nil {
		o.Names = new(atomic.Uint64)
	}
	if o.Mask == 0 {
		o.Mask = mail.AllFlags
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pid == 0 {
		o.Pid = os.Getpid()
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	// What has a meaning in a file name cannot be part of the host's.
	host := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/:!,\x00", r) {
			return '-'
		}
		return r
	}, o.Host)
	s := &Store{root: root, o: o, origin: fmt.Sprintf(".%d.%s", o.Pid, host[:min(len(host), 64)])}
	s.buffers.New = func() any { return &buffer{in: make([]byte, bufferSize)} }
	return s
}

// Properties are the same for every tree. Four calls at once keep a disk's
// queue filled.
func (s *Store) Properties() store.Properties {
	return store.Properties{Parallel: 4, Separator: s.o.Separator}
}

// Close does nothing: the store keeps nothing open.
func (s *Store) Close(context.Context) error { return nil }

// Open returns a handle; a name that no folder can have shows in its calls.
func (s *Store) Open(name string, readOnly bool) store.Folder {
	return &folder{
		s: s, name: name, readOnly: readOnly,
		bad: s.checkName(name), scheme: newScheme(s.o.InfoSeparator, s.o.VisibleName(name), s.former[name]...),
		places: places{at: map[mail.Ref]place{}},
	}
}

// Create makes the folder's directories, cur, new and tmp, or what is missing of
// them.
func (s *Store) Create(ctx context.Context, name string) error {
	if err := s.checkName(name); err != nil {
		return err
	}
	if err := s.haveRoot(); err != nil {
		return err
	}
	path := s.path(name)
	for _, dir := range []string{path, path + "/cur", path + "/new", path + "/tmp"} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return failed(store.ScopeFolder, err)
		}
	}
	return nil
}

func (s *Store) haveRoot() error {
	info, err := os.Stat(s.root)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &store.Error{Class: store.Local, Err: fmt.Errorf("%w: %s", ErrNoRoot, s.root),
			Hint: "mount the disk it is on, or correct localfolders"}
	case err != nil:
		return failed(store.ScopeStore, err)
	case !info.IsDir():
		return &store.Error{Class: store.Config, Err: fmt.Errorf("%s is not a directory", s.root),
			Hint: "correct localfolders"}
	}
	return nil
}

func (s *Store) path(name string) string {
	if name == "" {
		return s.root
	}
	return s.root + "/" + name
}

// checkName says why name cannot be a folder's, or nil. The empty name is the
// root itself.
func (s *Store) checkName(name string) error {
	if name == "" {
		return nil
	}
	parts := []string{name}
	why := ""
	if s.o.Separator == '/' {
		parts = strings.Split(name, "/")
	} else if strings.Contains(name, "/") {
		why = "a / cannot be part of a directory's name"
	}
	if strings.Contains(name, "\x00") {
		why = "it has a NUL"
	}
	for _, p := range parts {
		switch {
		case p == "":
			why = "one level of it has no name"
		case p == "." || p == "..":
			why = "the level " + p + " would lead elsewhere"
		case p == "cur" || p == "new" || p == "tmp":
			why = p + " is a directory inside every Maildir folder"
		case p == marker:
			why = marker + " is a file of offlineimapd"
		case len(p) > unix.NAME_MAX:
			why = fmt.Sprintf("a directory's name has at most %d bytes", unix.NAME_MAX)
		}
	}
	if why == "" {
		return nil
	}
	return &store.Error{Class: store.Config, Scope: store.ScopeFolder,
		Err:  fmt.Errorf("%q cannot be a Maildir folder: %s", name, why),
		Hint: "leave it out with folderfilter, or rename it with nametrans"}
}

// failed classes what the file system says. What meets every mail alike ends
// the run, whatever it happened to.
func failed(scope store.Scope, err error) error {
	e := &store.Error{Class: store.Local, Scope: scope, Err: err}
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		e.Scope, e.Hint = store.ScopeStore, "free some disk space"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM):
		e.Scope = store.ScopeStore
	case errors.Is(err, unix.EFBIG):
		e.Scope, e.Hint = store.ScopeMail, "the file system or a limit does not allow a file of that size"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		e.Hint = "give the user that runs offlineimapd access"
	case errors.Is(err, unix.EROFS):
		e.Hint = "the file system is mounted read-only"
	case errors.Is(err, unix.ENOENT):
		e.Class = store.Temporary // it was there a moment ago
	}
	return e
}

// pathErr names the file of a system call's error.
func pathErr(op, path string, err error) error {
	return &os.PathError{Op: op, Path: path, Err: err}
}

// again repeats a system call that a signal interrupted.
func again[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if err != unix.EINTR {
			return v, err
		}
	}
}
