package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// ErrFault is what every error of Faults wraps.
var ErrFault = errors.New("fault on purpose")

// Faults makes one step of a store fail. A step is a call of the contract that
// reaches the store (survey, create, scan, fetch, headers, put, flags, assign,
// remove, commit) or a mail that a Fetch delivers (deliver). The zero value
// only counts. It is safe for concurrent use, and one Faults may stand before
// several stores.
type Faults struct {
	// Step is the one that fails, the first being 1; 0 is none.
	Step int
	// After: the step is carried out, and only the answer to it is lost.
	After bool
	// Octet cuts the body that has this octet, counted over all bodies that
	// pass, in either direction; 0 is none.
	Octet int64
	// Dead: after the fault everything fails, as on a connection that is gone or
	// in a process that was killed.
	Dead bool
	// Class of the error; its scope is that of the store.
	Class store.Class

	mu     sync.Mutex
	log    []string
	octets int64
	struck bool
}

// Steps names the steps made so far, in order.
func (f *Faults) Steps() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.log...)
}

// Octets counts the octets of the bodies that passed.
func (f *Faults) Octets() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.octets
}

// Struck tells whether the fault happened.
func (f *Faults) Struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

func (f *Faults) fail(what string) error {
	return store.Fail(f.Class, store.ScopeStore, fmt.Errorf("%s: %w", what, ErrFault))
}

// step counts one step, which call carries out.
func (f *Faults) step(what string, call func() error) error {
	f.mu.Lock()
	if f.struck && f.Dead {
		f.mu.Unlock()
		return f.fail(what)
	}
	f.log = append(f.log, what)
	hit := len(f.log) == f.Step
	f.struck = f.struck || hit
	f.mu.Unlock()
	if hit && !f.After {
		return f.fail(what)
	}
	err := call()
	if hit {
		return f.fail(what)
	}
	return err
}

// read counts n octets of a body, of which it returns how many pass.
func (f *Faults) read(n int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.struck && f.Dead {
		return 0, f.fail("body")
	}
	before := f.octets
	f.octets += int64(n)
	if f.Octet > before && f.Octet <= f.octets {
		f.struck = true
		f.octets = f.Octet - 1
		return int(f.octets - before), f.fail("body")
	}
	return n, nil
}

// WithFaults puts f before s.
func WithFaults(s store.Store, f *Faults) store.Store { return &faulty{s, f} }

type faulty struct {
	store.Store
	f *Faults
}

func (s *faulty) Survey(ctx context.Context) (ms []store.Mailbox, err error) {
	err = s.f.step("survey", func() (err error) { ms, err = s.Store.Survey(ctx); return err })
	if err != nil {
		return nil, err
	}
	return ms, nil
}

func (s *faulty) Create(ctx context.Context, name string) error {
	return s.f.step("create", func() error { return s.Store.Create(ctx, name) })
}

func (s *faulty) Open(name string, readOnly bool) store.Folder {
	return &faultyFolder{s.Store.Open(name, readOnly), s.f}
}

func (s *faulty) Commit(ctx context.Context, works ...store.Work) error {
	inner := make([]store.Work, len(works))
	for i, w := range works {
		inner[i] = w.(*faultyWork).Work
	}
	return s.f.step("commit", func() error { return s.Store.Commit(ctx, inner...) })
}

type faultyFolder struct {
	store.Folder
	f *Faults
}

func (d *faultyFolder) Scan(ctx context.Context, known mail.Known) (s *mail.Snapshot, err error) {
	err = d.f.step("scan", func() (err error) { s, err = d.Folder.Scan(ctx, known); return err })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (d *faultyFolder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	return d.f.step("fetch", func() error {
		return d.Folder.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
			return d.f.step("deliver", func() error { return deliver(m, &faultyReader{r, d.f}) })
		})
	})
}

func (d *faultyFolder) Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error {
	return d.f.step("headers", func() error { return d.Folder.Headers(ctx, refs, found) })
}

func (d *faultyFolder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) (out []mail.Ref, err error) {
	err = d.f.step("select", func() (err error) { out, err = d.Folder.Select(ctx, refs, c); return err })
	return out, err
}

func (d *faultyFolder) Begin() store.Work { return &faultyWork{d.Folder.Begin(), d.f} }

type faultyWork struct {
	store.Work
	f *Faults
}

func (w *faultyWork) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	return w.f.step("put", func() error { return w.Work.Put(ctx, m, &faultyReader{r, w.f}) })
}

func (w *faultyWork) SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error) {
	err = w.f.step("flags", func() (err error) { gone, err = w.Work.SetFlags(ctx, changes); return err })
	return gone, err
}

func (w *faultyWork) Assign(ctx context.Context, given []store.Assignment) (gone []string, err error) {
	err = w.f.step("assign", func() (err error) { gone, err = w.Work.Assign(ctx, given); return err })
	return gone, err
}

func (w *faultyWork) Remove(ctx context.Context, uids []mail.UID) error {
	return w.f.step("remove", func() error { return w.Work.Remove(ctx, uids) })
}

type faultyReader struct {
	r io.Reader
	f *Faults
}

func (r *faultyReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	passed, fault := r.f.read(n)
	if fault != nil {
		return passed, fault
	}
	return n, err
}
