package maildir

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// churn renames the mails of a folder as mail readers do that mark them, from
// new to cur, within cur and back, until stop is called.
func churn(t *testing.T, path string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for ctx.Err() == nil {
			for _, sub := range []string{"new", "cur"} {
				es, err := os.ReadDir(filepath.Join(path, sub))
				if err != nil {
					t.Error(err)
					return
				}
				r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
				for _, e := range es[:min(len(es), 50)] {
					base, _, _ := strings.Cut(e.Name(), ":2,")
					to := []string{"cur/" + base + ":2,S", "cur/" + base + ":2,RS", "new/" + base + ":2,", "cur/" + base + ":2,"}[r.IntN(4)]
					// It may have gone under our hands.
					_ = os.Rename(filepath.Join(path, sub, e.Name()), filepath.Join(path, to))
				}
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// However busy other programs are with the files, no mail is ever taken for
// gone, and none for two.
func TestScanWhileRenamed(t *testing.T) {
	const n = 3000
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	for i := range n {
		if i%10 == 0 {
			write(t, s, "INBOX", fmt.Sprintf("new/%d.fresh", i), "x")
		} else {
			write(t, s, "INBOX", fmt.Sprintf("cur/%d,U=%d%s:2,S", i, i, inboxMD5), "x")
		}
	}
	stop := churn(t, s.path("INBOX"))
	defer stop()
	known := mail.Known{}
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
		snap := scanAll(t, f, known)
		if len(snap.Entries) != n*9/10 || len(snap.Fresh) != n/10 {
			t.Fatalf("the scan sees %d and %d mails, want %d and %d", len(snap.Entries), len(snap.Fresh), n*9/10, n/10)
		}
		if snap.Stamp.Sure {
			t.Fatal("sure of a folder that is being changed")
		}
		known = mail.Known{Stamp: snap.Stamp, Count: len(snap.Entries)}
	}
}

// A step that meets renamed files finds them; what it does not find in such
// times is at most left for the next run.
func TestChangeWhileRenamed(t *testing.T) {
	const n = 200
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	for i := range n {
		write(t, s, "INBOX", fmt.Sprintf("new/%d", i), fmt.Sprintf("mail %d\n", i))
	}
	stop := churn(t, s.path("INBOX"))
	missed := 0
	given, have := scanAll(t, f, mail.Known{}).Fresh, map[mail.UID]bool{}
	for i, fresh := range given {
		w := f.Begin()
		gone, err := w.Assign(t.Context(), []store.Assignment{{Key: fresh.Key, UID: mail.UID(i + 1)}})
		if err != nil {
			t.Fatal(err)
		}
		missed += len(gone)
		if _, err = w.SetFlags(t.Context(), []mail.FlagChange{{UID: mail.UID(i + 1), Add: mail.Flagged}}); err != nil {
			t.Fatal(err)
		}
		have[mail.UID(i+1)] = len(gone) == 0
		commitAll(t, s, w)
		if err := f.Fetch(t.Context(), []mail.Ref{{UID: mail.UID(i + 1)}}, func(m mail.Mail, r io.Reader) error {
			b, err := io.ReadAll(r)
			if string(b) != "mail "+fresh.Key+"\r\n" {
				t.Errorf("%q of %q", b, fresh.Key)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	snap := scanAll(t, f, mail.Known{})
	if len(snap.Entries)+len(snap.Fresh) != n || len(snap.Fresh) != missed {
		t.Errorf("%d mails have a UID and %d none, of %d; %d were missed", len(snap.Entries), len(snap.Fresh), n, missed)
	}
	for _, e := range snap.Entries {
		if !have[e.UID] {
			t.Errorf("UID %d was said to be gone", e.UID)
		}
	}
	if missed > n/20 {
		t.Errorf("%d of %d were missed", missed, n)
	}
}

// A disk that does not answer holds nobody up.
func TestWaitEnds(t *testing.T) {
	d, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := commit{ctx: ctx, durable: true}
	answer, asked := make(chan struct{}), make(chan struct{})
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	err = c.wait(int(d.Fd()), "syncfs", "/x", func(int) error { close(asked); <-answer; return nil })
	<-asked
	close(answer)
	if store.ClassOf(err) != store.Cancelled || time.Since(start) > time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	// One that answers soon is waited for.
	ctx, cancel = context.WithCancel(t.Context())
	c.ctx = ctx
	err = c.wait(int(d.Fd()), "syncfs", "/x", func(int) error { cancel(); time.Sleep(50 * time.Millisecond); return nil })
	if err != nil {
		t.Error(err)
	}
	c.ctx = t.Context()
	if err := c.wait(int(d.Fd()), "syncfs", "/x", func(int) error { return unix.EIO }); err == nil || err.Error() != "syncfs /x: input/output error" {
		t.Error(err)
	}
}

// A Commit that was cut off delivered each mail whole or not at all.
func TestCommitEnded(t *testing.T) {
	s := newStore(t, Options{Durable: true})
	f := newFolder(t, s, "INBOX")
	w := f.Begin()
	for i := range 20 {
		if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: mail.UID(i + 1)}, Size: 1}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, w); store.ClassOf(err) != store.Cancelled || w.Err() == nil {
		t.Errorf("%v, %v", err, w.Err())
	}
	wantFiles(t, s, "INBOX")
}
