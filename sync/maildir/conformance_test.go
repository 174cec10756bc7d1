package maildir

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"flat", Options{Durable: true, KeepDate: true}},
		{"nested", Options{Separator: '/', InfoSeparator: '!', KeepDate: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Run(t, func(t testing.TB) storetest.Env {
				s := newStore(t, c.o)
				return storetest.Env{
					Store:   s,
					Outside: &reader{root: s.root, info: string(s.o.InfoSeparator)},
					Reopen:  func(testing.TB) store.Store { return New(s.root, c.o) },
					Mask:    mail.AllFlags,
					Streams: true,
				}
			})
		})
	}
}

// newStore returns a store with a root in a directory of the test.
func newStore(t testing.TB, o Options) *Store {
	t.Helper()
	s := New(filepath.Join(t.TempDir(), "Mail"), o)
	if err := s.SetIdentity("test"); err != nil {
		t.Fatal(err)
	}
	return s
}

// reader is a mail reader of its own, which knows nothing of this package.
type reader struct {
	root, info string
	n          atomic.Int64
}

func (r *reader) Create(folder string) error {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(r.root, folder, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) Add(folder string, flags mail.Flags, body []byte) error {
	name := fmt.Sprintf("1700000000.M%dP7.reader", r.n.Add(1))
	tmp := filepath.Join(r.root, folder, "tmp", name)
	if err := os.WriteFile(tmp, bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), 0o600); err != nil {
		return err
	}
	if flags == 0 {
		return os.Rename(tmp, filepath.Join(r.root, folder, "new", name))
	}
	return os.Rename(tmp, filepath.Join(r.root, folder, "cur", name+r.info+"2,"+flags.String()))
}

func (r *reader) SetFlags(folder string, m storetest.Mail, flags mail.Flags) error {
	base, _, _ := strings.Cut(filepath.Base(m.ID), r.info+"2,")
	return os.Rename(filepath.Join(r.root, folder, m.ID), filepath.Join(r.root, folder, "cur", base+r.info+"2,"+flags.String()))
}

func (r *reader) Remove(folder string, m storetest.Mail) error {
	return os.Remove(filepath.Join(r.root, folder, m.ID))
}

var uidInName = regexp.MustCompile(`,U=(\d+),FMD5=`)

func (r *reader) List(folder string) ([]storetest.Mail, error) {
	var ms []storetest.Mail
	for _, sub := range []string{"new", "cur"} {
		files, err := os.ReadDir(filepath.Join(r.root, folder, sub))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			m := storetest.Mail{ID: filepath.Join(sub, f.Name())}
			if n := uidInName.FindStringSubmatch(f.Name()); n != nil {
				uid, _ := strconv.ParseUint(n[1], 10, 32)
				m.UID = mail.UID(uid)
			}
			_, letters, _ := strings.Cut(f.Name(), r.info+"2,")
			m.Flags = mail.ParseLetters(letters)
			body, err := os.ReadFile(filepath.Join(r.root, folder, m.ID))
			if err != nil {
				return nil, err
			}
			m.Body = independentWire(body)
			ms = append(ms, m)
		}
	}
	return ms, nil
}

// independentWire is the rule for line ends in the plainest words.
func independentWire(file []byte) []byte {
	crlf := bytes.Count(file, []byte("\r\n"))
	if crlf > bytes.Count(file, []byte("\n"))-crlf {
		file = bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n"))
	}
	return bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))
}
