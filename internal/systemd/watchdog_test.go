package systemd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdog plays ten periods of a minute; step says what the check does when
// it is asked at that time.
func TestWatchdog(t *testing.T) {
	const period = time.Minute
	good := func(context.Context) error { return nil }
	bad := func(context.Context) error { return errors.New("work does not answer") }
	slow := func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(period / 5):
			return nil
		}
	}
	hangs := func(ctx context.Context) error { <-ctx.Done(); return errors.New("work hangs") }
	tests := []struct {
		name  string
		step  func(at time.Duration) func(context.Context) error
		want  []string // the kinds of messages, repeats left out
		fed   int      // at least so often
		alive bool     // never later than a period after the last
		log   string
	}{
		{"all well", func(time.Duration) func(context.Context) error { return good }, []string{"WATCHDOG=1"}, 20, true, ""},
		{"slow", func(time.Duration) func(context.Context) error { return slow }, []string{"WATCHDOG=1"}, 14, true, ""},
		{"fails once", func(at time.Duration) func(context.Context) error {
			if at == 2*period {
				return bad
			}
			return good
		}, []string{"WATCHDOG=1"}, 19, true, "level=WARN msg=\"watchdog: work does not answer\""},
		{"fails for good", func(at time.Duration) func(context.Context) error {
			if at >= 2*period {
				return bad
			}
			return good
		}, []string{"WATCHDOG=1", "WATCHDOG=trigger"}, 4, false, "restart the daemon: work does not answer"},
		{"hangs, and says so at the deadline", func(at time.Duration) func(context.Context) error {
			if at >= 2*period {
				return hangs
			}
			return good
		}, []string{"WATCHDOG=1", "WATCHDOG=trigger"}, 4, false, "restart the daemon: work hangs"},
		{"recovers late", func(at time.Duration) func(context.Context) error {
			if at >= 2*period && at < 5*period {
				return bad
			}
			return good
		}, []string{"WATCHDOG=1", "WATCHDOG=trigger", "WATCHDOG=1"}, 12, false, "level=ERROR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newInbox(t)
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancel(t.Context())
				begin := time.Now()
				var log bytes.Buffer
				done := make(chan bool)
				go func() {
					defer close(done)
					Watchdog(ctx, &Notifier{addr: box.path}, period, func(ctx context.Context) error {
						return tt.step(time.Since(begin))(ctx)
					}, slog.New(slog.NewTextHandler(&log, nil)))
				}()
				fed, kinds, last := 0, []string(nil), begin
				for time.Since(begin) < 10*period {
					synctest.Wait()
					for _, m := range box.all() {
						if m == "WATCHDOG=1" {
							fed, last = fed+1, time.Now()
						}
						kinds = append(kinds, m)
					}
					if tt.alive && time.Since(last) >= period*9/10 {
						t.Fatalf("no sign of life from %v to %v", last.Sub(begin), time.Since(begin))
					}
					time.Sleep(time.Second)
				}
				end()
				<-done
				if kinds = slices.Compact(kinds); !slices.Equal(kinds, tt.want) || fed < tt.fed || fed > 21 {
					t.Errorf("fed %d times, %q", fed, kinds)
				}
				if (tt.log == "") != (log.Len() == 0) || !strings.Contains(log.String(), tt.log) {
					t.Errorf("log:\n%s", log.String())
				}
			})
		})
	}
}

// TestTheTriggerComesInTime is told before systemd would find out, so that the
// reason is in the log.
func TestTheTriggerComesInTime(t *testing.T) {
	box := newInbox(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		hang := make(chan bool)
		done := make(chan bool)
		go func() {
			defer close(done)
			// A check that does not even look at its context.
			Watchdog(ctx, &Notifier{addr: box.path}, time.Minute, func(context.Context) error { <-hang; return nil }, slog.New(slog.DiscardHandler))
		}()
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		if got := box.all(); !slices.Equal(got, []string{"WATCHDOG=trigger"}) {
			t.Errorf("got %q", got)
		}
		at := time.Now()
		end()
		<-done
		if time.Since(at) != 0 {
			t.Error("the end waits for the check")
		}
		close(hang)
	})
}

func TestNoWatchdog(t *testing.T) {
	Watchdog(t.Context(), &Notifier{}, 0, func(context.Context) error { t.Error("asked"); return nil }, nil)
}
