package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// The steps, as -steps names them.
const (
	stepFirst  = "first"
	stepQuiet  = "quiet"
	stepRemote = "remote"
	stepLocal  = "local"
	stepUpload = "upload"
	stepLarge  = "large"
	stepHuge   = "huge"
)

var stepNames = []string{stepFirst, stepQuiet, stepRemote, stepLocal, stepUpload, stepLarge, stepHuge}

// site is a Dovecot, durable as it comes, with a home to copy accounts from.
type site struct {
	e   *env
	srv *testenv.Server
}

// newSite starts a server without COMPRESS, as Dovecot comes.
func newSite(e *env, format string) *site {
	return &site{e, testenv.Dovecot(e, testenv.DovecotOptions{Format: format, Fsync: "optimized", Hide: []string{"COMPRESS=DEFLATE"}})}
}

// account makes a user whose mail is a copy of the template's.
func (s *site) account(template string) (user, pass string) {
	user, pass = s.srv.NewUser()
	if out, err := exec.Command("cp", "-a", s.srv.MailHome(template), s.srv.MailHome(user)).CombinedOutput(); err != nil {
		s.e.Fatalf("copy the mail of %s: %v: %s", template, err, out)
	}
	s.e.Cleanup(func() { os.RemoveAll(s.srv.MailHome(user)) })
	return user, pass
}

// remote is the view of an account on the server.
func (s *site) remote(user, pass string) view {
	m := reader(s.e, s.srv.Addr(), user, pass)
	defer m.Close()
	return remoteView(m.Snapshot())
}

func measureMain(e *env, o options, r *report) {
	steps := slices.DeleteFunc(slices.Clone(o.steps), func(s string) bool { return s == stepLarge || s == stepHuge })
	if len(steps) == 0 {
		return
	}
	p := fullPlan()
	if o.quick {
		p = quickPlan()
	}
	e.scope(func() {
		s := newSite(e, "")
		template, pass := s.srv.NewUser()
		l := newLoader(e, s.srv.Addr(), template, pass)
		gen := newGenerator(p.seed)
		for _, b := range p.boxes {
			l.fill(b.name, b.n, gen.next)
		}
		l.close()
		want := s.remote(template, pass)
		for round := range o.rounds {
			for _, rtt := range o.rtts {
				e.scope(func() { oneRound(e, o, r, p, s, steps, template, want, rtt, round) })
			}
		}
	})
}

// oneRound takes every program through every step, each step by all of them
// before the next; who begins changes from step to step and from round to round.
func oneRound(e *env, o options, r *report, p plan, s *site, steps []string, template string, all view, rtt time.Duration, round int) {
	proxy := testenv.Proxy(e, s.srv.Addr(), testenv.ProxyOptions{RTT: rtt, Raw: true})
	var seats []*seat
	for _, name := range o.programs {
		user, pass := s.account(template)
		seats = append(seats, newSeat(e, o, name, proxy.Addr(), user, pass, true))
	}
	user, pass := s.account(template)
	raw := newSeat(e, o, rawLoop, proxy.Addr(), user, pass, true)
	if !slices.Contains(steps, stepFirst) {
		steps = append([]string{stepFirst}, steps...)
	}
	for i, step := range steps {
		turn := slices.Clone(seats)
		if step == stepFirst {
			turn = append(turn, raw)
		}
		begin := (round + i) % len(turn)
		turn = append(turn[begin:], turn[:begin]...)
		for _, seat := range turn {
			e.Logf("%s: %s, round %d, %s", ms(rtt), step, round+1, seat.program)
			seed := uint64(1000*(round+1) + i)
			want := all
			switch step {
			case stepQuiet:
				want = s.remote(seat.user, seat.pass)
			case stepRemote:
				m := reader(e, s.srv.Addr(), seat.user, seat.pass)
				changeRemote(m, p, seed)
				want = remoteView(m.Snapshot())
				m.Close()
			case stepLocal:
				changeLocal(e, seat.mail, p, seed)
				want = localView(testenv.MaildirSnapshot(e, seat.mail, withoutTUID))
			case stepUpload:
				upload(e, seat.mail, p.uploads, seed)
				want = localView(testenv.MaildirSnapshot(e, seat.mail, withoutTUID))
			}
			if step == stepLocal || step == stepUpload {
				seat.touched = time.Now()
			}
			c := seat.measure(e, proxy)
			r.add(rtt, step, seat.program, c)
			if seat == raw {
				checkRaw(e, seat.mail, all)
				continue
			}
			check(e, seat, s.srv.Addr(), fmt.Sprintf("%s at %s", step, ms(rtt)), want)
		}
	}
}

// checkRaw counts what the raw loop read: it is no measure if it leaves out any.
func checkRaw(e *env, dir string, all view) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		e.Fatalf("%v", err)
	}
	n := 0
	for _, list := range all {
		n += len(list)
	}
	if len(entries) != n {
		e.Fatalf("the raw loop read %d mails of %d", len(entries), n)
	}
}
