package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// Two mailboxes that are large in one way each. Only offlineimapd and mbsync
// take part: OfflineIMAP holds whole mails, and needs minutes.

func contestants(o options) []string {
	return slices.DeleteFunc(slices.Clone(o.programs), func(p string) bool { return p == offlineIMAP })
}

// measureLarge looks at the peak of memory with one large mail, down and up.
func measureLarge(e *env, o options, r *report) {
	if !slices.Contains(o.steps, stepLarge) {
		return
	}
	p := fullPlan()
	if o.quick {
		p = quickPlan()
	}
	e.scope(func() {
		s := newSite(e, "")
		template, pass := s.srv.NewUser()
		gen := newGenerator(p.seed)
		l := newLoader(e, s.srv.Addr(), template, pass)
		l.fill("INBOX", 20, gen.next)
		l.fill("INBOX", 1, func() message {
			return message{body: testenv.LargeMail("", p.largeSize).Bytes(), date: gen.next().date}
		})
		l.close()
		proxy := testenv.Proxy(e, s.srv.Addr(), testenv.ProxyOptions{Raw: true})
		for _, name := range contestants(o) {
			e.Logf("%s, %s", stepLarge, name)
			user, pass := s.account(template)
			seat := newSeat(e, o, name, proxy.Addr(), user, pass, true)
			want := s.remote(user, pass)
			r.add(0, "large down", name, seat.measure(e, proxy))
			check(e, seat, s.srv.Addr(), "large down", want)
			deliverLarge(e, filepath.Join(seat.mail, "INBOX"), p.largeSize+1000)
			seat.touched = time.Now()
			want = localView(testenv.MaildirSnapshot(e, seat.mail, withoutTUID))
			r.add(0, "large up", name, seat.measure(e, proxy))
			check(e, seat, s.srv.Addr(), "large up", want)
		}
	})
}

// deliverLarge puts a large mail, LF at its line ends, into a Maildir.
func deliverLarge(e *env, dir string, size int64) {
	b, err := io.ReadAll(testenv.LargeMail("", size).Open())
	if err != nil {
		e.Fatalf("%v", err)
	}
	deliver(e, dir, message{body: b, date: newGenerator(2).next().date}, 0)
}

// measureHuge looks at a mailbox of very many mails: nothing changed, and one
// flag changed.
func measureHuge(e *env, o options, r *report) {
	if !slices.Contains(o.steps, stepHuge) {
		return
	}
	p := fullPlan()
	if o.quick {
		p = quickPlan()
	}
	e.scope(func() {
		s := newSite(e, "mdbox") // few files, quickly copied
		template, pass := s.srv.NewUser()
		l := newLoader(e, s.srv.Addr(), template, pass)
		gen := newGenerator(p.seed)
		e.Logf("%s: loading %d mails", stepHuge, p.huge)
		l.fill("INBOX", p.huge, gen.tiny)
		l.close()
		proxy := testenv.Proxy(e, s.srv.Addr(), testenv.ProxyOptions{Raw: true})
		for _, name := range contestants(o) {
			e.scope(func() { hugeSeat(e, o, r, s, proxy, template, name) })
		}
	})
}

func hugeSeat(e *env, o options, r *report, s *site, proxy *testenv.ProxyT, template, name string) {
	user, pass := s.account(template)
	seat := newSeat(e, o, name, proxy.Addr(), user, pass, false)
	e.Logf("%s: first sync, %s", stepHuge, name)
	r.add(0, "huge first, not durable", name, seat.measure(e, proxy))
	seat.configure(e, o, proxy.Addr(), true)
	want := s.remote(user, pass)
	check(e, seat, s.srv.Addr(), "huge first", want)
	m := reader(e, s.srv.Addr(), user, pass)
	defer m.Close()
	for round := range o.rounds {
		e.Logf("%s: round %d, %s", stepHuge, round+1, name)
		r.add(0, "huge quiet", name, seat.measure(e, proxy))
		m.Store("INBOX", fmt.Sprint(1+round*7), "+FLAGS", `\Flagged`)
		r.add(0, "huge one flag", name, seat.measure(e, proxy))
		if n := flaggedFiles(e, filepath.Join(seat.mail, "INBOX", "cur")); n != round+1 {
			e.Fatalf("%s, huge: %d files carry F, not %d", name, n, round+1)
		}
	}
	m.Close()
	check(e, seat, s.srv.Addr(), "huge, at the end", s.remote(user, pass))
}

func flaggedFiles(e *env, dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		e.Fatalf("%v", err)
	}
	n := 0
	for _, entry := range entries {
		if _, letters, _ := strings.Cut(entry.Name(), ":2,"); strings.Contains(letters, "F") {
			n++
		}
	}
	return n
}
