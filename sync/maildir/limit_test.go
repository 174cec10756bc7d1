package maildir

import (
	"bytes"
	"errors"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestFileTooLarge(t *testing.T) { testFileTooLarge(t) }

// A mail that the file system takes for too large concerns itself alone.
func testFileTooLarge(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 300 << 10, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	}()
	w := f.Begin()
	defer w.Discard()
	large := bytes.Repeat([]byte("too much for it\r\n"), 40000)
	err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}, Size: int64(len(large))}, bytes.NewReader(large))
	if !errors.Is(err, unix.EFBIG) || store.ClassOf(err) != store.Local || store.ScopeOf(err) != store.ScopeMail {
		t.Errorf("%v (%v)", err, store.ClassOf(err))
	}
	wantFiles(t, s, "INBOX")
}
