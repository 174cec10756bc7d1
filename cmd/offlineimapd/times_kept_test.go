package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// dates tells when mails arrived, by their UIDs, as the server has it or as the
// files here have it.
func (p *person) dates(remote bool) map[uint32]time.Time {
	p.t.Helper()
	all := map[uint32]time.Time{}
	if remote {
		m := p.mailer()
		defer m.Close()
		for _, x := range m.Messages("INBOX") {
			all[x.UID] = x.Date
		}
		return all
	}
	for _, f := range testenv.MaildirSnapshot(p.t, p.root())["INBOX"] {
		all[f.UID] = f.Time
	}
	return all
}

// old writes mails whose files have some times; if asked, last those that are no
// time of a mail.
func (p *person) old(odd int) []time.Time {
	p.t.Helper()
	at := []time.Time{
		time.Date(2019, 2, 3, 4, 5, 6, 750_000_000, time.UTC),
		time.Date(1981, 7, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC), // a clock in Berlin shows it twice
		time.Date(2025, 1, 1, 12, 0, 0, 500_000_000, time.UTC),
		time.Date(1980, 6, 30, 0, 0, 0, 0, time.UTC),
		time.Unix(0, 0),
	}
	at = at[:len(at)-2+odd]
	for i, t := range at {
		p.write("INBOX", 200+i, "S", body(200+i))
		file, err := filepath.Glob(filepath.Join(p.root(), "INBOX", "cur", fmt.Sprintf("*.R%d.here*", 200+i)))
		p.must(err)
		p.must(os.Chtimes(file[0], t, t))
	}
	return at
}

// When a mail arrived is the time of its file, and the other way round, in any time
// zone; nothing that happens to it afterwards changes that.
func TestTimesKept(t *testing.T) {
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin"} {
		t.Run(zone, func(t *testing.T) {
			t.Setenv("TZ", zone)
			srv := testenv.Dovecot(t, testenv.DovecotOptions{})
			p := newPerson(t, srv)
			m := p.mailer()
			sent := map[uint32]time.Time{}
			for _, at := range []time.Time{
				time.Date(2020, 5, 5, 5, 5, 5, 0, time.UTC),
				time.Date(1999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -8*3600)),
				time.Date(2021, 3, 28, 2, 30, 0, 0, time.FixedZone("", 5*3600+45*60)),
				time.Date(1975, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC),
			} {
				sent[m.Append("INBOX", body(100+len(sent)), at)] = at
			}
			p.killed(0, nil) // runs to its end, with the zone of the environment
			same := func(what string, got, want map[uint32]time.Time) {
				t.Helper()
				for uid, at := range want {
					if !got[uid].Equal(at) {
						t.Errorf("%s: %d is of %v, want %v", what, uid, got[uid].UTC(), at.UTC())
					}
				}
			}
			same("downloaded", p.dates(false), sent)

			began := time.Now()
			const odd = 2
			times := p.old(odd)
			p.killed(0, nil)
			here, there := p.dates(false), p.dates(true)
			for i, at := range times {
				uid := uint32(len(sent) + i + 1)
				if !here[uid].Equal(at) {
					t.Errorf("the file of %d was of %v, and is of %v", uid, at, here[uid])
				}
				if i < len(times)-odd && !there[uid].Equal(at.Truncate(time.Second)) {
					t.Errorf("uploaded: %d is of %v, want %v", uid, there[uid].UTC(), at)
				}
				if d := there[uid].Sub(began); i >= len(times)-odd && (d < -time.Minute || d > time.Minute) {
					t.Errorf("uploaded: %d is of %v, though its file's time tells nothing", uid, there[uid].UTC())
				}
			}

			// Flags, and another look at all of it without the state.
			m.Store("INBOX", "1:*", "+FLAGS", `\Flagged`)
			p.flag("INBOX", 2, "R")
			p.killed(0, nil)
			p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
			p.killed(0, nil)
			same("in the end", p.dates(false), here)
			same("in the end, on the server", p.dates(true), there)
		})
	}
}

// What a file's time becomes on the server is what OfflineIMAP makes of it.
func TestTimesLikeOfflineIMAP(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p, q := newPerson(t, srv), newPerson(t, srv)
	p.old(0) // it falls over years before 1981
	q.old(0)
	p.sync()
	changer{q, nil}.offlineIMAP()
	theirs := map[string]time.Time{}
	m := q.mailer()
	for _, x := range m.Messages("INBOX") {
		theirs[x.SHA256] = x.Date
	}
	m = p.mailer()
	n := 0
	for _, x := range m.Messages("INBOX") {
		n++
		if d := theirs[x.SHA256].Sub(x.Date); d < -time.Minute || d > time.Minute || d != 0 && time.Since(x.Date) > time.Hour {
			t.Errorf("here %v, by OfflineIMAP %v", x.Date, theirs[x.SHA256])
		}
	}
	if n != len(theirs) || n == 0 {
		t.Errorf("%d mails, by OfflineIMAP %d", n, len(theirs))
	}
}

// Nobody can tell by a directory's access time that it was read; so mail readers
// that go by it see what they would see without us, with restoreatime and without.
func TestAccessTimes(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, option := range []string{"", "restoreatime = yes"} {
		p := newPerson(t, srv)
		p.moreLocal = option
		p.configure()
		m := p.mailer()
		m.Append("INBOX", body(1), time.Time{})
		m.Append("INBOX", body(2), time.Time{}, `\Seen`)
		p.sync()
		p.write("INBOX", 3, "", body(3))
		m.Append("INBOX", body(4), time.Time{}, `\Seen`)
		m.Expunge("INBOX", "1")
		past := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		for _, sub := range []string{"cur", "new"} {
			dir := filepath.Join(p.root(), "INBOX", sub)
			ts := []unix.Timespec{unix.NsecToTimespec(past.UnixNano()), {Nsec: unix.UTIME_OMIT}}
			p.must(unix.UtimesNanoAt(unix.AT_FDCWD, dir, ts, 0))
		}
		if c := p.sync(); c.Uploaded != 1 || c.Downloaded != 1 || c.RemovedLocal != 1 {
			t.Fatalf("it did %+v", c)
		}
		for _, sub := range []string{"cur", "new"} {
			var st unix.Stat_t
			p.must(unix.Stat(filepath.Join(p.root(), "INBOX", sub), &st))
			if at := time.Unix(st.Atim.Unix()); !at.Equal(past) {
				t.Errorf("%q: %s was read at %v, want %v", option, sub, at, past)
			}
		}
	}
}
