package imap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// idle returns a pool over sessions that need no server.
func idlePool(limit int, f *fake) *pool {
	s := New(func() Options { o := options(f.ln.Addr().String(), "joe", "secret"); return o }())
	return newPool(limit, s.connect, func(string) {})
}

// Sessions go to those who wait in the order in which they came, and to the one
// whose mailbox is selected where nobody waits.
func TestPoolIsFair(t *testing.T) {
	f := (&fake{}).serve(t)
	p := idlePool(1, f)
	first, err := p.get(t.Context(), "")
	must(t, err)
	var order []int
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			s, err := p.get(t.Context(), "")
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, i) // one session: nobody else is here
			p.put(s)
		})
		for { // until it waits
			st := <-p.state
			n := len(st.waiting)
			p.state <- st
			if n == i+1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	p.put(first)
	wg.Wait()
	if fmt.Sprint(order) != "[0 1 2 3 4]" {
		t.Errorf("served in the order %v", order)
	}
	for _, s := range p.close() {
		s.close()
	}
}

func TestPoolPrefersTheMailbox(t *testing.T) {
	f := (&fake{}).serve(t)
	p := idlePool(3, f)
	var ss []*session
	for i := range 3 {
		s, err := p.get(t.Context(), "")
		must(t, err)
		s.box.name = fmt.Sprint("Box ", i)
		ss = append(ss, s)
	}
	for _, s := range ss {
		p.put(s)
	}
	s, err := p.get(t.Context(), "Box 1")
	must(t, err)
	if s != ss[1] {
		t.Errorf("got the session of %s", s.box.name)
	}
	p.put(s)
	for _, s := range p.close() {
		s.close()
	}
	if _, err := p.get(t.Context(), ""); !errors.Is(err, errClosed) {
		t.Errorf("after close: %v", err)
	}
}

// Whoever gives up waiting leaves no hole: neither a session nor the leave to
// open one is lost.
func TestPoolGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int64
		fails := false
		p := newPool(2, func(ctx context.Context) (*session, error) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if fails {
				return nil, store.Fail(store.Offline, store.ScopeStore, errors.New("no route"))
			}
			opened.Add(1)
			return nil, nil // never looked into: it is never put back
		}, func(string) {})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				patience := time.Duration(100+37*i) * time.Millisecond
				if i%8 == 7 {
					patience = time.Hour // some wait until they are served
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := p.get(ctx, "")
				if err == nil {
					p.release()
				}
			})
		}
		wg.Wait()
		st := <-p.state
		if st.open != 0 || len(st.waiting) != 0 {
			t.Errorf("%d open and %d waiting, though nobody is there", st.open, len(st.waiting))
		}
		p.state <- st
		if opened.Load() == 0 {
			t.Error("nobody got a session")
		}
		fails = true
		for range 5 {
			wg.Go(func() {
				if _, err := p.get(t.Context(), ""); store.ClassOf(err) != store.Offline {
					t.Errorf("no server: %v", err)
				}
			})
		}
		wg.Wait()
		if st = <-p.state; st.open != 0 {
			t.Errorf("%d open without a server", st.open)
		}
	})
}

// The connections are cut at random while many work, and nobody is stuck.
func TestPoolSurvivesCuts(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	for i := range 30 {
		m.Append("INBOX", letter(i), time.Time{})
	}
	p := testenv.Proxy(t, d.Addr(), testenv.ProxyOptions{Raw: true})
	s := closing(t, New(options(p.Addr(), user, pass)))
	_, err := s.Survey(t.Context())
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				snap, err := s.Open("INBOX", false).Scan(ctx, mail.Known{})
				if err == nil && len(snap.Entries) != 30 {
					t.Errorf("%d mails", len(snap.Entries))
				}
				if err != nil && store.ScopeOf(err) != store.ScopeFolder && store.ClassOf(err) != store.Offline && ctx.Err() == nil {
					t.Errorf("%d: %v (%v)", i, err, store.ClassOf(err))
				}
			}
		})
	}
	for ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
		p.CutAll()
	}
	wg.Wait()
	_, err = s.Survey(t.Context())
	must(t, err)
	if _, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
