package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// soak makes random changes on both sides and remembers which mails must be
// there in the end: all that nobody deleted.
type soak struct {
	*person
	rnd     *rand.Rand
	mailer  *testenv.Mailer
	serial  int
	alive   map[string]bool // SHA-256 of the mails that were made, true while nobody deleted them
	folders []string
}

func (s *soak) body() []byte {
	s.serial++
	b := body(s.serial)
	if s.rnd.IntN(20) == 0 {
		b = large(s.serial)
	}
	return b
}

func (s *soak) made(b []byte) {
	s.alive[testenv.SHA256(b)] = true
}

func (s *soak) change() {
	s.t.Helper()
	for range 1 + s.rnd.IntN(12) {
		f := s.folders[s.rnd.IntN(len(s.folders))]
		switch s.rnd.IntN(9) {
		case 0, 1:
			b := s.body()
			s.mailer.Append(f, b, time.Time{}, []string{`\Seen`, `\Flagged`, `\Answered`}[s.rnd.IntN(3)])
			s.made(b)
		case 2, 3:
			b := s.body()
			s.write(f, s.serial, []string{"", "S", "FS", "R"}[s.rnd.IntN(4)], b)
			s.made(b)
		case 4, 5:
			if m, ok := pick(s.rnd, s.mailer.Messages(f)); ok {
				s.mailer.Store(f, fmt.Sprint(m.UID), []string{"+FLAGS", "-FLAGS"}[s.rnd.IntN(2)], []string{`\Seen`, `\Flagged`, `\Draft`}[s.rnd.IntN(3)])
			}
		case 6:
			if m, ok := pick(s.rnd, s.files(f)); ok {
				base, _, _ := strings.Cut(m.Name, ":2,")
				os.Rename(filepath.Join(s.root(), f, m.Sub, m.Name), filepath.Join(s.root(), f, "cur", base+":2,"+[]string{"", "S", "FRS", "S"}[s.rnd.IntN(4)]))
			}
		case 7:
			// Few at a time, or the guard would rightly ask.
			if all := s.mailer.Messages(f); len(all) > 8 {
				m, _ := pick(s.rnd, all)
				s.mailer.Expunge(f, fmt.Sprint(m.UID))
				s.alive[m.SHA256] = false
			}
		case 8:
			if all := s.files(f); len(all) > 8 {
				m, _ := pick(s.rnd, all)
				s.must(os.Remove(filepath.Join(s.root(), f, m.Sub, m.Name)))
				s.alive[m.SHA256] = false
			}
		}
	}
}

func (s *soak) files(f string) []testenv.File {
	return slices.DeleteFunc(testenv.MaildirSnapshot(s.t, s.root())[f], func(m testenv.File) bool { return m.Sub == "tmp" })
}

func pick[T any](rnd *rand.Rand, all []T) (one T, ok bool) {
	if len(all) == 0 {
		return one, false
	}
	return all[rnd.IntN(len(all))], true
}

// check compares both sides with each other and with what must be there.
func (s *soak) check(round int) {
	s.t.Helper()
	l, r := s.local(), s.remote()
	if l != r {
		s.t.Fatalf("round %d: not in step: %s", round, difference(l, r))
	}
	count := map[string]int{}
	for _, files := range testenv.MaildirSnapshot(s.t, s.root()) {
		for _, m := range files {
			if m.Sub != "tmp" {
				count[m.SHA256]++
			}
		}
	}
	var wrong []string
	for h, alive := range s.alive {
		switch n := count[h]; {
		case alive && n == 0:
			wrong = append(wrong, "lost "+h[:16])
		case n > 1:
			wrong = append(wrong, fmt.Sprintf("%d× %s", n, h[:16]))
		}
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		s.t.Fatalf("round %d: %s", round, strings.Join(wrong, "; "))
	}
}

// Rounds of random changes on both sides, in which runs are cut off and killed
// at random moments: in the end both sides hold every mail that nobody deleted,
// once.
func TestRandomChangesAndCrashes(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := &soak{person: newPerson(t, srv), rnd: rand.New(rand.NewPCG(seed, 0)), alive: map[string]bool{}, folders: []string{"INBOX", "Lists"}}
	s.mailer = s.person.mailer()
	s.mailer.Create("Lists")
	for _, f := range s.folders {
		for range 15 {
			b := s.body()
			s.mailer.Append(f, b, time.Time{})
			s.made(b)
		}
	}
	s.sync()
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	for round := range 20 {
		for range 3 {
			s.change()
			s.through(proxy.Addr())
			proxy.Reset()
			at, where := 1+s.rnd.IntN(25), []testenv.Where{testenv.Before, testenv.Inside, testenv.After}[s.rnd.IntN(3)]
			switch s.rnd.IntN(4) {
			case 0:
				proxy.CutAt(at, where)
				s.run()
			case 1:
				s.killed(0, func(kill func()) { proxy.DoAt(at, where, kill) })
			case 2:
				s.killed(1+s.rnd.IntN(16), nil)
			case 3:
				s.killed(0, func(kill func()) {
					time.Sleep(time.Duration(s.rnd.IntN(60)) * time.Millisecond)
					kill()
				})
			}
		}
		s.through(srv.Addr())
		for range 2 {
			if status, out, errs := s.run(); status != exitOK {
				t.Fatalf("round %d: status %d: %s%s", round, status, out, errs)
			}
		}
		s.check(round)
	}
}
