package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// Somebody has used OfflineIMAP with limits. They go on as they were: nothing is
// copied that was left out, and nothing that is outside is removed.
func TestLimits(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	today := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	for _, tc := range []struct {
		name, account, local, remote string
		here                         int // of 50 mails, one a day, that of yesterday last; some are large
	}{
		{"maxage in days", "maxage = 20", "", "", 19},
		{"maxage as a date", "maxage = " + today.AddDate(0, 0, -20).Format(time.DateOnly), "", "", 19},
		{"startdate of the server", "", "", "startdate = " + today.AddDate(0, 0, -20).Format(time.DateOnly), 20},
		{"maxsize", "maxsize = 20000", "", "", 40},
		{"both", "maxage = 20\nmaxsize = 20000", "", "", 15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := changer{newPerson(t, srv), map[string]string{"INBOX": "INBOX"}}
			c.moreLocal, c.more = tc.local, tc.remote
			limited := func() {
				c.configure()
				b, err := os.ReadFile(c.config())
				c.must(err)
				c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\n"+tc.account), 1), 0o600))
			}
			limited()
			m := c.mailer()
			for n := 1; n <= 50; n++ {
				b := body(n)
				if n%5 == 0 {
					b = append(b, bytes.Repeat([]byte("all work and no play\r\n"), 2000)...)
				}
				m.Append("INBOX", b, today.AddDate(0, 0, n-51), `\Seen`)
			}
			c.offlineIMAP()
			if n := len(testenv.MaildirSnapshot(t, c.root())["INBOX"]); n != tc.here {
				t.Fatalf("OfflineIMAP brings %d of 50 mails", n)
			}
			addr := c.addr
			count := c.bodies()
			limited()
			if r := c.report(); r.Counts.Downloaded+r.Counts.Uploaded+r.Counts.RemovedLocal+r.Counts.RemovedRemote > 0 || count() > 0 {
				t.Errorf("the first run: %+v", r.Counts)
			}
			if log := c.offlineIMAP(); len(transfers(log)) > 0 {
				t.Errorf("OfflineIMAP had something to do:\n%s", strings.Join(transfers(log), "\n"))
			}

			// From now on what is new is all that is asked for.
			proxy := testenv.Proxy(t, addr, testenv.ProxyOptions{})
			full := ""
			proxy.OnExchange(func(_ int, line string) {
				if strings.Contains(line, "UID FETCH 1:* (UID FLAGS)") && !strings.Contains(line, "CHANGEDSINCE") {
					full = line
				}
			})
			c.through(proxy.Addr())
			limited()
			c.report()
			full = ""
			m.Append("INBOX", body(60), time.Time{})
			m.Append("INBOX", append(body(61), bytes.Repeat([]byte("all work and no play\r\n"), 2000)...), time.Time{})
			c.write("INBOX", 62, "S", body(62))
			r := c.report()
			if want := 2 - strings.Count(tc.account, "maxsize"); r.Counts.Downloaded != want || r.Counts.Uploaded != 1 {
				t.Errorf("new mails: %+v, want %d down", r.Counts, want)
			}
			if full != "" {
				t.Errorf("for a new mail all were listed: %s", full)
			}

			// Without limits everything comes, and nothing goes.
			tc.account, c.more, c.moreLocal = "", "", ""
			limited()
			r = c.report()
			if r.Counts.Uploaded+r.Counts.RemovedLocal+r.Counts.RemovedRemote > 0 {
				t.Errorf("without limits: %+v", r.Counts)
			}
			c.agree()
			if n := len(testenv.MaildirSnapshot(t, c.root())["INBOX"]); n != 53 {
				t.Errorf("there are %d mails of 53", n)
			}
		})
	}
}

// Who makes room here keeps what is on the server; and an archive here keeps what
// the server throws away.
func TestMaxAgeAndRemovals(t *testing.T) {
	t.Parallel()
	c := changer{newPerson(t, testenv.Dovecot(t, testenv.DovecotOptions{})), map[string]string{"INBOX": "INBOX"}}
	limited := func(days int) {
		c.configure()
		b, err := os.ReadFile(c.config())
		c.must(err)
		c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), fmt.Appendf(nil, "[Account work]\nmaxage = %d", days), 1), 0o600))
	}
	m := c.mailer()
	for n := 1; n <= 30; n++ {
		m.Append("INBOX", body(n), time.Now().AddDate(0, 0, n-31), `\Seen`)
	}
	c.sync()
	limited(10)
	c.sync()
	for n := 1; n <= 15; n++ { // all of them outside
		c.unlink("INBOX", n)
	}
	m.Expunge("INBOX", "16:18") // outside too
	m.Expunge("INBOX", "30")
	c.unlink("INBOX", 29)
	if r := c.report(); r.Counts.RemovedRemote != 1 || r.Counts.RemovedLocal != 1 {
		t.Errorf("%+v", r.Counts)
	}
	if here, there := len(testenv.MaildirSnapshot(t, c.root())["INBOX"]), len(m.Messages("INBOX")); here != 13 || there != 25 {
		t.Errorf("%d mails are here and %d there", here, there)
	}
	for range 2 {
		if r := c.report(); r.Counts.Any() {
			t.Errorf("there is nothing to do: %+v", r.Counts)
		}
	}
	limited(25)
	if r := c.report(); r.Counts.Downloaded != 9 || r.Counts.RemovedRemote+r.Counts.RemovedLocal+r.Counts.Uploaded > 0 {
		t.Errorf("a wider window: %+v", r.Counts)
	}
}

// A mail that is here again after it went, within the window or not, is new.
func TestMaxAgeAndMailsThatAreBack(t *testing.T) {
	t.Parallel()
	c := changer{newPerson(t, testenv.Dovecot(t, testenv.DovecotOptions{})), map[string]string{"INBOX": "INBOX"}}
	m := c.mailer()
	for n := 1; n <= 6; n++ {
		m.Append("INBOX", body(n), time.Now(), `\Seen`)
	}
	b, err := os.ReadFile(c.config())
	c.must(err)
	c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\nmaxage = 7"), 1), 0o600))
	c.sync()
	away := filepath.Join(c.dir, "away")
	at := c.file("INBOX", 1)
	c.must(os.Rename(at, away))
	if n := c.sync(); n.RemovedRemote != 1 {
		t.Errorf("%+v", n)
	}
	c.must(os.Rename(away, at))
	if n := c.sync(); n.Uploaded != 1 {
		t.Errorf("a mail that is back: %+v", n)
	}
	c.inStep()
}

// With another nametrans files are whose they were, whatever keeps the guard from
// seeing that they are not.
func TestNameTransChanges(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, tc := range []struct{ account, local string }{
		{"", ""}, {"maxage = 7", ""}, {"maxsize = 1000000", ""}, {"", "sync_deletes = no"},
	} {
		t.Run(tc.account+tc.local, func(t *testing.T) {
			c := changer{newPerson(t, srv), nil}
			m := c.mailer()
			m.Create("A")
			m.Create("B")
			for n := range 3 {
				m.Append("A", body(n), time.Now().AddDate(0, 0, -20))
			}
			m.Append("B", body(3), time.Now())
			c.sync()
			there := c.remote()
			for i, trans := range []string{"+", "-", "+"} {
				c.moreLocal, c.more = tc.local, ""
				if trans == "+" {
					c.moreLocal += "\nnametrans = lambda f: 'INBOX/' + f if f != 'INBOX' else f"
					c.more = "nametrans = lambda f: re.sub('^INBOX/', '', f)"
				}
				c.configure()
				b, err := os.ReadFile(c.config())
				c.must(err)
				c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\n"+tc.account), 1), 0o600))
				for range 2 {
					if n := c.sync(); n.Any() {
						t.Errorf("change %d: %+v", i, n)
					}
				}
				if now := c.remote(); now != there {
					t.Errorf("change %d: %s", i, difference(there, now))
				}
			}
			c.unlink("B", 1) // it is known by the name that the folder has no more
			if n := c.sync(); tc.local == "" && n.RemovedRemote != 1 {
				t.Errorf("a removal: %+v", n)
			}
		})
	}
}

// Of two files that claim one UID, whose mail the server has removed, either may
// have come from elsewhere: neither is removed for it.
func TestTwinOfARemovedMail(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"0_first", "9_last"} {
		c := changer{newPerson(t, testenv.Dovecot(t, testenv.DovecotOptions{})), nil}
		m := c.mailer()
		for n := 1; n <= 4; n++ {
			m.Append("INBOX", body(n), time.Time{})
		}
		c.sync()
		m.Expunge("INBOX", "4")
		foreign := filepath.Join(c.root(), "INBOX", "cur", name+".1.x,U=4,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S")
		c.must(os.WriteFile(foreign, bytes.ReplaceAll(body(900), []byte("\r\n"), []byte("\n")), 0o600))
		c.sync()
		c.inStep()
		found := 0
		for _, msg := range m.Messages("INBOX") {
			if bytes.Equal(m.Body("INBOX", msg.UID), body(900)) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: the mail that was moved here is %d times on the server", name, found)
		}
	}
}
