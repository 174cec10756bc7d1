package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestRhythm(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		b.start()
		b.want("work", AccountConnecting)
		b.at(2 * time.Second)
		b.want("work", AccountIdle)
		if next := b.account("work").NextSync.Sub(b.t0); next != 5*time.Minute+time.Second {
			t.Errorf("the next sync is told to come after %v", next)
		}
		b.at(11 * time.Minute)
		b.runs("work", 0, 5*time.Minute+time.Second, 10*time.Minute+2*time.Second)
		if st := b.Status(); st.State != StateIdle || !strings.HasPrefix(st.Text, "1 account, last sync ") {
			t.Errorf("%s, %q", st.State, st.Text)
		}
	})
}

func TestRequestsMerge(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		b.start()
		first := b.account("work").Job
		b.at(time.Second / 2)
		// The first run may have passed the folder already: these want another.
		a := b.sync("work", Request{Folders: []string{"Sent", "INBOX"}})
		c := b.sync("work", Request{Folders: []string{"Lists"}, Reason: "mutt"})
		dry := b.sync("work", Request{DryRun: true})
		if a == first || a != c || dry == a {
			t.Errorf("jobs %d, %d, %d and %d", first, a, c, dry)
		}
		b.at(5 * time.Second)
		orders := b.runners["work"].ran()
		if len(orders) != 3 || strings.Join(orders[1].Folders, " ") != "INBOX Lists Sent" || orders[1].Trigger != TriggerUser || orders[2].Kind != KindDryRun {
			t.Errorf("orders %+v", orders)
		}
		b.result(a, ResultDone)
		b.result(dry, ResultDone)

		whole := b.sync("work", Request{Full: true})
		b.at(5*time.Second + 1)
		if b.sync("work", Request{Folders: []string{"INBOX"}}) == whole {
			t.Error("a run under way was taken for one that is to come")
		}
	})
}

func TestFailures(t *testing.T) {
	inBubble(t, []string{"work", "home"}, func(b *bench) {
		up := 3 * time.Minute
		b.runners["work"] = &fakeRunner{do: func(ctx context.Context, n int, o Order) (*Outcome, error) {
			if time.Since(b.t0) < up {
				return fails(store.Offline, "connect to mail.work: refused")
			}
			return takes(ctx, time.Second)
		}}
		b.setup.Accounts[0] = b.spec("work")
		b.start()
		sub := b.Subscribe(1000)
		b.at(time.Second)
		b.want("work", AccountOffline)
		b.want("home", AccountIdle)
		for d := 2 * time.Second; d < up; d += 7 * time.Second {
			b.at(d)
			b.want("work", AccountOffline)
			if a := b.account("work"); time.Until(a.NextSync) < 0 || time.Until(a.NextSync) > 5*time.Minute {
				t.Errorf("after %v the next try is said to come at %v", d, a.NextSync.Sub(b.t0))
			}
		}
		if n := len(b.runners["work"].ran()); n < 5 || n > 9 {
			t.Errorf("%d tries in three minutes", n)
		}
		if ps := b.Status().Problems; len(ps) != 1 || ps[0].Code != health.ServerUnreachable || ps[0].Account != "work" {
			t.Errorf("problems %+v", ps)
		}
		b.at(up + 5*time.Minute)
		b.want("work", AccountIdle)
		if ps := b.Status().Problems; len(ps) != 0 {
			t.Errorf("problems %+v", ps)
		}
		if n := len(b.runners["home"].ran()); n != 2 {
			t.Errorf("home ran %d times", n)
		}
		var raised, cleared int
		for _, e := range drain(sub) {
			switch e.Kind {
			case event.ProblemRaised:
				raised++
			case event.ProblemCleared:
				cleared++
			}
		}
		if raised != 1 || cleared != 1 {
			t.Errorf("problems were raised %d times and cleared %d times", raised, cleared)
		}
		if !strings.Contains(b.log.String(), "server-back") {
			t.Error("nothing in the log of the server being back")
		}
	})
}

func TestPause(t *testing.T) {
	inBubble(t, []string{"work", "home"}, func(b *bench) {
		b.start()
		b.at(2 * time.Second)
		ctx := context.Background()
		b.at(5 * time.Minute)
		if err := b.Pause(ctx, "work", 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		b.want("work", AccountPaused)
		_, err := b.Sync(ctx, "work", Request{})
		b.code(err, Paused)
		b.at(14 * time.Minute)
		b.runs("work", 0)
		if len(b.runners["home"].ran()) != 3 {
			t.Errorf("home ran %d times", len(b.runners["home"].ran()))
		}
		id := b.sync("work", Request{EvenIfPaused: true})
		b.at(14*time.Minute + 5*time.Second)
		b.result(id, ResultDone)
		b.want("work", AccountPaused)

		// A restart forgets nothing, and the pause ends when it was to end.
		b.end()
		b.start()
		b.at(14*time.Minute + 30*time.Second)
		b.want("work", AccountPaused)
		b.at(15*time.Minute + 500*time.Millisecond)
		b.want("work", AccountConnecting)
		if len(b.memory.kept) != 1 {
			t.Errorf("kept: %v", b.memory.kept)
		}

		// All at once, and one of them not.
		if err := b.Pause(ctx, "", 0); err != nil {
			t.Fatal(err)
		}
		b.at(15*time.Minute + 2*time.Second)
		if st := b.Status(); st.State != StatePaused || !st.Paused || !st.PausedUntil.IsZero() {
			t.Errorf("%+v", st)
		}
		j := b.Status().Jobs[len(b.Status().Jobs)-1]
		if j.Result != ResultCanceled || j.Failure.Text != "the account was paused" {
			t.Errorf("the run that was under way ended as %s: %s", j.Result, j.Failure.Text)
		}
		_, err = b.Sync(ctx, "", Request{})
		b.code(err, Paused)
		if err := b.Resume(ctx, "home"); err != nil {
			t.Fatal(err)
		}
		b.at(15*time.Minute + 4*time.Second)
		b.want("home", AccountIdle)
		b.want("work", AccountPaused)
		if err := b.Resume(ctx, ""); err != nil {
			t.Fatal(err)
		}
		b.at(15*time.Minute + 6*time.Second)
		b.want("work", AccountIdle)
		b.code(b.Pause(ctx, "wrok", 0), NoSuchAccount)
		b.memory.err = errors.New("disk full")
		b.code(b.Pause(ctx, "work", 0), Disk)
		b.want("work", AccountIdle)
	})
}

// TestRunsOfSomeFolders: whoever syncs one folder again and again puts off no
// other, and does not hide that another is not in step.
func TestRunsOfSomeFolders(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		whole := 0
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			out := report()
			if len(o.Folders) == 0 {
				whole++
				out.Report.Result = engine.Failed
				out.Report.Folders = append(out.Report.Folders, engine.Folder{Name: "Lists", Result: engine.Failed, Problems: []engine.Problem{{Text: "no"}}})
			}
			return out, nil
		}
		b.start()
		for d := time.Minute; d < 31*time.Minute; d += time.Minute {
			b.at(d)
			id := b.sync("work", Request{Folders: []string{"INBOX"}})
			b.at(d + time.Second)
			b.result(id, ResultDone)
			if a := b.account("work"); a.LastResult != ResultPartial || a.LastError.Code == "" {
				t.Fatalf("after %v: %+v", d, a)
			}
		}
		if whole < 7 {
			t.Errorf("%d runs of all folders in half an hour", whole)
		}
		if ps := b.Status().Problems; len(ps) != 1 || ps[0].Code != health.ItemsFailing {
			t.Errorf("problems %+v", ps)
		}
		_, _ = b.Sync(context.Background(), "work", Request{Folders: []string{"none"}})
	})
}

// TestKnownBeforeTheFirstRun: a paused account has its folders all the same.
func TestKnownBeforeTheFirstRun(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		b.memory.kept = map[string]time.Time{"work": {}}
		b.setup.Accounts[0].Runner = knower{b.runners["work"]}
		b.start()
		if a := b.account("work"); a.State != AccountPaused || a.Messages != 7 || a.Unseen != 2 || len(a.Folders) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

type knower struct{ *fakeRunner }

func (knower) Known(context.Context) []Folder {
	return []Folder{{Remote: "INBOX", Messages: 7, Unseen: 2}}
}

func TestReload(t *testing.T) {
	inBubble(t, []string{"work", "home", "old"}, func(b *bench) {
		b.start()
		b.at(10 * time.Second)
		ctx, before := context.Background(), b.setup

		b.loadErr = &Error{Code: ConfigInvalid, Err: errors.New("/rc:7: no"), Hint: "mend it"}
		b.code(b.Reload(ctx), ConfigInvalid)
		b.loadErr = nil
		for name, change := range map[string]func(*Setup){
			"an account that cannot be run": func(s *Setup) { s.Accounts[1].Refused = "/rc:9: nametrans" },
			"no file any more":              func(s *Setup) { *s = Setup{} },
		} {
			bad := *before
			bad.Accounts = slices.Clone(before.Accounts)
			change(&bad)
			b.setup = &bad
			b.code(b.Reload(ctx), ConfigInvalid)
			synctest.Wait()
			if st := b.Status(); len(st.Accounts) != 3 || len(st.Problems) != 1 || st.Problems[0].Code != health.ConfigRejected || st.State != StateDegraded {
				t.Errorf("%s: %+v", name, st)
			}
		}
		b.at(5*time.Minute + 500*time.Millisecond)

		// home changes, old goes, new comes, work goes on.
		home := b.spec("home")
		home.Print, home.Interval = "other", time.Hour
		b.at(5*time.Minute + 1100*time.Millisecond) // all are at their second run
		b.setup = &Setup{Path: "/rc", Memory: b.memory, Accounts: []Spec{b.spec("work"), home, b.spec("new")}}
		if err := b.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		b.at(5*time.Minute + 20*time.Second)
		var names []string
		for _, a := range b.Status().Accounts {
			names = append(names, a.Name+" "+string(a.State))
		}
		if got := strings.Join(names, ", "); got != "work idle, home idle, new idle" {
			t.Errorf("accounts: %s", got)
		}
		b.runs("work", 0, 5*time.Minute+time.Second)
		b.runs("old", 0, 5*time.Minute+time.Second)
		b.runs("home", 0, 5*time.Minute+time.Second, 5*time.Minute+1100*time.Millisecond)
		b.runs("new", 5*time.Minute+1100*time.Millisecond)
		if len(b.Status().Problems) != 0 {
			t.Errorf("problems %+v", b.Status().Problems)
		}
		b.code(b.Cancel(ctx, 999), NoSuchJob)
		_, err := b.Sync(ctx, "old", Request{})
		b.code(err, NoSuchAccount)
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		b.start()
		ctx := context.Background()
		running := b.account("work").Job
		waiting := b.sync("work", Request{})
		if err := b.Cancel(ctx, waiting); err != nil {
			t.Error(err)
		}
		if err := b.Cancel(ctx, running); err != nil {
			t.Error(err)
		}
		b.at(time.Second)
		b.result(waiting, ResultCanceled)
		b.result(running, ResultCanceled)
		b.code(b.Cancel(ctx, running), NotCancelable)
		b.at(31 * time.Second)
		b.at(45 * time.Second)
		if b.Status().Job(running) != nil {
			t.Error("a job is kept for ever")
		}
		b.code(b.Cancel(ctx, running), NoSuchJob)
		b.at(6 * time.Minute)
		b.runs("work", 0, 5*time.Minute)
	})
}

func TestDrain(t *testing.T) {
	inBubble(t, []string{"work", "home"}, func(b *bench) {
		b.runners["work"].do = func(ctx context.Context, _ int, _ Order) (*Outcome, error) { return takes(ctx, time.Hour) }
		b.start()
		b.at(10 * time.Second)
		id := b.sync("work", Request{})
		b.Drain()
		synctest.Wait()
		b.result(id, ResultSkipped)
		b.at(30 * time.Minute)
		select {
		case <-b.ended:
			t.Error("it did not wait for the run")
		default:
		}
		if len(b.runners["home"].ran()) != 1 {
			t.Error("a run began")
		}
		_, err := b.Sync(context.Background(), "home", Request{})
		b.code(err, ShuttingDown)
		b.at(time.Hour + time.Second)
		select {
		case err := <-b.ended:
			b.ended <- err
		default:
			t.Error("it did not end with the run")
		}
	})
}

func TestTurns(t *testing.T) {
	inBubble(t, []string{"a", "b", "c"}, func(b *bench) {
		b.setup.MaxAccounts = 1
		for _, r := range b.runners {
			r.do = func(ctx context.Context, _ int, _ Order) (*Outcome, error) { return takes(ctx, 10*time.Minute) }
		}
		b.start()
		b.at(time.Second)
		states := func() (s string) {
			for _, a := range b.Status().Accounts {
				s += " " + string(a.State)
			}
			return s
		}
		if n := strings.Count(states(), "waiting"); n != 2 {
			t.Errorf("with one at a time they are%s", states())
		}
	})
}

// TestHostBudget: accounts at one host share what the host takes.
func TestHostBudget(t *testing.T) {
	var tn turns
	grants := make(chan grant, 10)
	for i, host := range []string{"One.example", "one.example", "one.example", "one.example", "two.example", ""} {
		tn.ask(turn{account: string(rune('a' + i)), host: host, want: 4, grant: grants, serial: uint64(i)})
	}
	got := func() (s []int) {
		for len(grants) > 0 {
			g := <-grants
			s = append(s, int(g.serial), g.connections)
		}
		return s
	}
	if g := got(); !slices.Equal(g, []int{0, 4, 1, 4, 2, 2, 4, 4, 5, 4}) {
		t.Errorf("granted %v", g)
	}
	tn.leave("c")
	if g := got(); !slices.Equal(g, []int{3, 2}) {
		t.Errorf("then %v", g)
	}
	tn.ask(turn{account: "x", host: "three.example", want: 20, grant: grants, serial: 7})
	if g := got(); !slices.Equal(g, []int{7, 20}) {
		t.Errorf("and %v", g)
	}
}

func TestHeartbeat(t *testing.T) {
	inBubble(t, []string{"work", "home"}, func(b *bench) {
		// A run that hangs is no loop that does.
		hung := make(chan struct{})
		b.runners["work"].do = func(context.Context, int, Order) (*Outcome, error) { <-hung; return report(), nil }
		b.start(func(o *Options) { o.Hang = "home" })
		b.runners["home"].do = nil
		beat := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			return b.Heartbeat(ctx)
		}
		if err := beat(); err != nil {
			t.Errorf("all loops answer, but: %v", err)
		}
		b.at(2 * time.Second)
		err := beat()
		if err == nil || !strings.Contains(err.Error(), "home") {
			t.Errorf("with a loop that hangs: %v", err)
		}
		close(hung)
		// Nothing ends such a loop but the end of the process.
		for _, l := range *b.loops.Load() {
			if l.spec.Name == "home" {
				close(l.unhang)
			}
		}
		synctest.Wait()
	})
}
