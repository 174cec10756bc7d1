package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// What waits for a person: secrets and held plans.

func TestSecrets(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			switch o.Secret {
			case "":
				err := &Error{Code: CredentialsUnavailable, Err: errors.New("no password is configured")}
				return &Outcome{Report: engine.NotStarted("work", time.Now(), err)}, err
			case "right":
				return takes(ctx, time.Second)
			}
			return fails(store.Auth, "refused")
		}
		var questions []Question
		answer := make(chan string, 1)
		b.start(func(o *Options) {
			o.Ask = func(ctx context.Context, q Question) (string, error) {
				questions = append(questions, q)
				select {
				case s := <-answer:
					if s == "" {
						return "", &Error{Code: Cancelled, Err: errors.New("canceled")}
					}
					return s, nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			}
		})
		// While a person is asked, everybody waits for the same job.
		b.want("work", AccountAuthRequired)
		id := b.sync("work", Request{})
		if id != 1 {
			t.Errorf("job %d", id)
		}
		answer <- "wrong"
		synctest.Wait()
		if len(questions) != 2 || questions[0].Retry || !questions[1].Retry {
			t.Errorf("questions %+v", questions)
		}
		// The person has had enough: the clock does not bring the question back.
		answer <- ""
		synctest.Wait()
		b.result(id, ResultFailed)
		b.at(20 * time.Minute)
		b.want("work", AccountAuthRequired)
		if len(questions) != 2 {
			t.Errorf("%d questions", len(questions))
		}
		if ps := b.Status().Problems; len(ps) != 1 || ps[0].Code != health.PasswordNeeded {
			t.Errorf("problems %+v", ps)
		}
		// A new agent does, and a person who syncs.
		b.AgentArrived([]string{"home"})
		synctest.Wait()
		if len(questions) != 2 {
			t.Error("an agent for another account brought the question back")
		}
		b.AgentArrived(nil)
		synctest.Wait()
		if len(questions) != 3 {
			t.Errorf("%d questions", len(questions))
		}
		answer <- "right"
		b.at(20*time.Minute + 10*time.Second)
		b.want("work", AccountIdle)
		if strings.Contains(b.log.String(), "right") {
			t.Error("a secret is in the log")
		}
	})
}

// TestThreeAnswers: a program that answers the same wrong password for ever does
// not lock the account.
func TestThreeAnswers(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		var tries atomic.Int64
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			tries.Add(1)
			return fails(store.Auth, "refused")
		}
		b.start(func(o *Options) {
			o.Ask = func(context.Context, Question) (string, error) { return "wrong", nil }
		})
		b.at(time.Second)
		b.want("work", AccountAuthRequired)
		if tries.Load() != 2 { // the configured one, and the answer
			t.Errorf("%d tries", tries.Load())
		}
		b.at(31 * time.Minute)
		if tries.Load() > 2+6 { // the clock's, which a runner refuses by itself
			t.Errorf("%d tries in half an hour", tries.Load())
		}
	})
	inBubble(t, []string{"work"}, func(b *bench) {
		var asked atomic.Int64
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			return fails(store.Auth, "refused")
		}
		b.start(func(o *Options) {
			o.Ask = func(context.Context, Question) (string, error) {
				return strings.Repeat("x", int(asked.Add(1))), nil
			}
		})
		b.at(31 * time.Minute)
		if asked.Load() != mostAsked {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

func TestHolds(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		token := "aaa"
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			out := report()
			if slices.Contains(o.Approve, token) {
				return out, nil
			}
			out.Report.Result = engine.Held
			out.Report.Folders = append(out.Report.Folders, engine.Folder{Name: "Sent", Result: engine.Held, Hold: &guard.Hold{
				Token: token, Ask: "run again with --approve Sent",
				Reasons: []guard.Reason{{Code: guard.Emptied, Text: "emptied. If you want that, run again with --approve Sent."}},
			}})
			return out, nil
		}
		b.start()
		ctx := context.Background()
		b.at(time.Second)
		a := b.account("work")
		if a.State != AccountIdle || a.HaltToken != "aaa" || len(a.Holds) != 1 || strings.Contains(a.Holds[0].Text, "--approve") {
			t.Errorf("%+v", a)
		}
		since := a.Holds[0].Since
		b.at(6 * time.Minute)
		if h := b.account("work").Holds[0]; h.Since != since {
			t.Error("a hold that lasts is told as a new one")
		}
		for _, wrong := range []string{"", "bbb"} {
			_, err := b.Approve(ctx, "work", wrong)
			b.code(err, NoSuchHold)
		}
		token = "ccc" // the plan changes between the look and the word
		id, err := b.Approve(ctx, "work", "aaa")
		if err != nil {
			t.Fatal(err)
		}
		b.at(6*time.Minute + time.Second)
		b.result(id, ResultHalted)
		if id, err = b.Approve(ctx, "work", "ccc"); err != nil {
			t.Fatal(err)
		}
		b.at(6*time.Minute + 2*time.Second)
		b.result(id, ResultDone)
		if a := b.account("work"); len(a.Holds) != 0 || a.HaltToken != "" || len(b.Status().Problems) != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// TestHeldAsAWhole: a run of one folder neither hides that the account is held,
// nor goes on saying so when it is not; and a server that is away for a moment
// takes no plan away that waits.
func TestHeldAsAWhole(t *testing.T) {
	inBubble(t, []string{"work"}, func(b *bench) {
		var held, away atomic.Bool
		held.Store(true)
		b.runners["work"].do = func(ctx context.Context, n int, o Order) (*Outcome, error) {
			if away.Load() {
				return fails(store.Offline, "refused")
			}
			out := report()
			if held.Load() {
				out.Report.Result = engine.Held
				out.Report.Folders = []engine.Folder{{Name: "INBOX", Result: engine.Held, Hold: &guard.Hold{Token: "root",
					Reasons: []guard.Reason{{Code: guard.RootMissing, Text: "it is not there"}}}}}
			}
			return out, nil
		}
		b.start()
		part := func() {
			b.sync("work", Request{Folders: []string{"INBOX"}})
			synctest.Wait()
		}
		b.want("work", AccountHalted)
		part()
		b.want("work", AccountHalted)
		away.Store(true)
		b.at(6 * time.Minute)
		if a := b.account("work"); a.HaltToken != "root" || a.State != AccountOffline {
			t.Errorf("with the server away: %+v", a)
		}
		away.Store(false)
		b.at(12 * time.Minute)
		b.want("work", AccountHalted)
		held.Store(false)
		part()
		b.want("work", AccountIdle)
		if a := b.account("work"); len(a.Holds) != 0 || a.HaltToken != "" || a.LastError.Code != "" || len(b.Status().Problems) != 0 {
			t.Errorf("when it is there again: %+v", a)
		}
	})
}
