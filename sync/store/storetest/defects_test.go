package storetest_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// defect changes what a store does in one way that breaks the contract.
type defect struct {
	caught  string // the test of the suite that must fail
	o       storetest.Options
	writes  bool // through handles for reading
	scan    func(mail.Known, *mail.Snapshot, error) (*mail.Snapshot, error)
	deliver func(context.Context, store.Deliver) (context.Context, store.Deliver)
	work    func(store.Work) store.Work
}

var defects = map[string]defect{
	"unchanged where it is not": {caught: "scan/changes from outside",
		scan: func(k mail.Known, s *mail.Snapshot, err error) (*mail.Snapshot, error) {
			if err == nil && k.Stamp.UIDValidity != 0 {
				s = &mail.Snapshot{Unchanged: true, Stamp: s.Stamp, Mask: s.Mask}
			}
			return s, err
		}},
	"removals not told": {caught: "scan/changes from outside",
		scan: func(_ mail.Known, s *mail.Snapshot, err error) (*mail.Snapshot, error) {
			if err == nil {
				s.All = nil
			}
			return s, err
		}},
	"the last mail not listed": {caught: "scan/full",
		scan: func(_ mail.Known, s *mail.Snapshot, err error) (*mail.Snapshot, error) {
			if err == nil && s.Full && len(s.Entries) > 0 {
				s.Entries = s.Entries[:len(s.Entries)-1]
			}
			return s, err
		}},
	"a missing mailbox is empty": {caught: "missing mailbox",
		scan: func(_ mail.Known, s *mail.Snapshot, err error) (*mail.Snapshot, error) {
			if err != nil {
				s = &mail.Snapshot{Full: true, Mask: mail.AllFlags, Stamp: mail.Stamp{UIDValidity: 1}}
			}
			return s, nil
		}},
	"lines end in LF": {caught: "put/bodies",
		deliver: func(ctx context.Context, d store.Deliver) (context.Context, store.Deliver) {
			return ctx, func(m mail.Mail, r io.Reader) error {
				b, _ := io.ReadAll(r)
				b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
				m.Size = int64(len(b))
				return d(m, bytes.NewReader(b))
			}
		}},
	"an error about one mail ends all": {caught: "fetch/errors",
		deliver: func(ctx context.Context, d store.Deliver) (context.Context, store.Deliver) {
			return ctx, func(m mail.Mail, r io.Reader) error {
				if err := d(m, r); err != nil {
					return store.Fail(store.ClassOf(err), store.ScopeFolder, err)
				}
				return nil
			}
		}},
	"deaf to the context": {caught: "context/while fetching",
		deliver: func(ctx context.Context, d store.Deliver) (context.Context, store.Deliver) {
			return context.WithoutCancel(ctx), func(m mail.Mail, r io.Reader) error {
				if ctx.Err() != nil {
					time.Sleep(50 * time.Millisecond)
				}
				return d(m, r)
			}
		}},
	"short bodies taken":          {caught: "put/short body", work: func(w store.Work) store.Work { return shortTaker{w} }},
	"flags replaced":              {caught: "change/flags", work: func(w store.Work) store.Work { return replacer{w} }},
	"an error where mail is gone": {caught: "change/flags", work: func(w store.Work) store.Work { return strict{w} }},
	"there before the Commit":     {caught: "put/discard", o: storetest.Options{Carries: true, Eager: true}},
	"other UIDs told":             {caught: "put/together", work: func(w store.Work) store.Work { return liar{w} }},
	"writes with a handle to read": {caught: "change/read-only",
		writes: true},
}

type shortTaker struct{ store.Work }

func (w shortTaker) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	m.Size = -1
	return w.Work.Put(ctx, m, r)
}

type replacer struct{ store.Work }

func (w replacer) SetFlags(ctx context.Context, cs []mail.FlagChange) ([]mail.UID, error) {
	for i := range cs {
		cs[i].Clear = ^cs[i].Add
	}
	return w.Work.SetFlags(ctx, cs)
}

type strict struct{ store.Work }

func (w strict) SetFlags(ctx context.Context, cs []mail.FlagChange) ([]mail.UID, error) {
	gone, err := w.Work.SetFlags(ctx, cs)
	if len(gone) > 0 {
		return nil, store.Fail(store.Refused, store.ScopeFolder, io.ErrUnexpectedEOF)
	}
	return gone, err
}

type liar struct{ store.Work }

func (w liar) Added() []mail.UID {
	us := w.Work.Added()
	for i := range us {
		us[i]++
	}
	return us
}

type defectiveStore struct {
	store.Store
	d defect
}

func (s defectiveStore) Open(name string, readOnly bool) store.Folder {
	return defectiveFolder{s.Store.Open(name, readOnly && !s.d.writes), s.d}
}

func (s defectiveStore) Commit(ctx context.Context, ws ...store.Work) error {
	inner := make([]store.Work, len(ws))
	for i, w := range ws {
		inner[i] = w.(*defectiveWork).inner
	}
	return s.Store.Commit(ctx, inner...)
}

type defectiveFolder struct {
	store.Folder
	d defect
}

func (f defectiveFolder) Scan(ctx context.Context, k mail.Known) (*mail.Snapshot, error) {
	s, err := f.Folder.Scan(ctx, k)
	if f.d.scan != nil {
		return f.d.scan(k, s, err)
	}
	return s, err
}

func (f defectiveFolder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	if f.d.deliver != nil {
		ctx, deliver = f.d.deliver(ctx, deliver)
	}
	return f.Folder.Fetch(ctx, refs, deliver)
}

type defectiveWork struct {
	store.Work
	inner store.Work
}

func (f defectiveFolder) Begin() store.Work {
	inner := f.Folder.Begin()
	if f.d.work == nil {
		return &defectiveWork{inner, inner}
	}
	return &defectiveWork{f.d.work(inner), inner}
}

const defectVariable = "STORETEST_DEFECT"

// TestDefective is run by TestSuiteNotices, and then has to fail.
func TestDefective(t *testing.T) {
	d, ok := defects[os.Getenv(defectVariable)]
	if !ok {
		return
	}
	storetest.Run(t, func(testing.TB) storetest.Env {
		w := storetest.NewWorld(d.o)
		return storetest.Env{Store: defectiveStore{w.Store(), d}, Outside: w}
	})
}

// A suite that everything passes is worth nothing.
func TestSuiteNotices(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			caught := strings.ReplaceAll("TestDefective/"+d.caught, " ", "_")
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+strings.ReplaceAll(caught, "/", "$/^")+"$")
			cmd.Env = append(os.Environ(), defectVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+caught) || strings.Contains(string(out), "panic:") {
				t.Errorf("%q does not notice: %v\n%s", d.caught, err, out)
			}
		})
	}
}
