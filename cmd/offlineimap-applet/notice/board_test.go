package notice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// fakeServer says what it was told, in short.
type fakeServer struct {
	absent bool
	fail   error
	slow   time.Duration
	last   uint32
	shown  map[uint32]Note
	told   []string
}

func (f *fakeServer) ready(context.Context) bool { return !f.absent }

func (f *fakeServer) notify(_ context.Context, n Note, replaces uint32, quiet bool) (uint32, error) {
	time.Sleep(f.slow)
	if f.fail != nil {
		return 0, f.fail
	}
	id := replaces
	if _, ok := f.shown[id]; !ok {
		f.last++
		id = f.last
	}
	if f.shown == nil {
		f.shown = map[uint32]Note{}
	}
	f.shown[id] = n
	s := fmt.Sprintf("%s %d>%d %s", n.Key, replaces, id, n.Body)
	if quiet {
		s += " quietly"
	}
	f.told = append(f.told, s)
	return id, nil
}

func (f *fakeServer) close(_ context.Context, id uint32) error {
	delete(f.shown, id)
	f.told = append(f.told, fmt.Sprintf("close %d", id))
	return nil
}

func (f *fakeServer) heard() string {
	s := strings.Join(f.told, "; ")
	f.told = nil
	return s
}

// n makes a note of a key, a body and a level.
func n(key, body string, level int) Note { return Note{Key: key, Body: body, Level: level} }

func TestBoard(t *testing.T) {
	// A step is one word to the board, then all the flushes that it asks for.
	type step struct {
		do   func(b *board, f *fakeServer)
		want string
	}
	show := func(notes ...Note) func(*board, *fakeServer) {
		return func(b *board, _ *fakeServer) { b.show(notes) }
	}
	closed := func(id uint32) func(*board, *fakeServer) {
		return func(b *board, f *fakeServer) { delete(f.shown, id); b.closed(id) }
	}
	press := func(id uint32) func(*board, *fakeServer) {
		return func(b *board, _ *fakeServer) { b.pressed(id) }
	}
	reopen := func(key string) func(*board, *fakeServer) {
		return func(b *board, _ *fakeServer) { b.reopen(key) }
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"replaced, and withdrawn", []step{
			{show(n("a", "1", 1)), "a 0>1 1"},
			{show(n("a", "1", 1)), ""},
			{show(n("a", "3", 3)), "a 1>1 3"},
			{show(n("a", "2", 3)), "a 1>1 2 quietly"},
			{show(), "close 1"},
			{show(), ""},
			{show(n("a", "1", 4)), "a 0>2 1"},
		}},
		{"one a key, in order", []step{
			{show(n("b", "x", 1), n("a", "y", 1)), "b 0>1 x; a 0>2 y"},
			{show(n("b", "x", 1), n("a", "z", 1)), "a 2>2 z quietly"},
		}},
		{"closed by its reader", []step{
			{show(n("a", "3", 3)), "a 0>1 3"},
			{closed(1), ""},
			{show(n("a", "2", 3)), ""},
			{show(n("a", "3", 4)), "a 0>2 3"},
			{closed(2), ""},
			{show(), ""},
			{show(n("a", "1", 0)), "a 0>3 1"},
		}},
		{"closed, and somebody else's closed", []step{
			{show(n("a", "x", 0)), "a 0>1 x"},
			{closed(7), ""},
			{show(n("a", "y", 0)), "a 1>1 y quietly"},
		}},
		{"closed because of a button", []step{
			{show(n("a", "x", 0)), "a 0>1 x"},
			{press(1), ""},
			{closed(1), ""},
			{reopen("a"), "a 0>2 x"},
			{closed(2), ""},
			{reopen("a"), ""},
		}},
		{"reopened before the word that it is closed", []step{
			{show(n("a", "x", 0)), "a 0>1 x"},
			{press(1), ""},
			{reopen("a"), ""},
			{closed(1), "a 0>2 x"},
		}},
		{"a button, and closed much later", []step{
			{show(n("a", "x", 0)), "a 0>1 x"},
			{press(1), ""},
			{reopen("a"), ""},
			{func(*board, *fakeServer) { time.Sleep(time.Minute) }, ""},
			{closed(1), ""},
		}},
		{"another server", []step{
			{show(n("a", "x", 0), n("b", "y", 0)), "a 0>1 x; b 0>2 y"},
			{closed(2), ""},
			{func(b *board, f *fakeServer) { f.absent, f.shown = true, nil; b.lost() }, ""},
			{show(n("a", "z", 0), n("b", "y", 0)), ""},
			{func(b *board, f *fakeServer) { f.absent, f.last = false, 0; b.lost() }, "a 0>1 z"},
			{show(), "close 1"},
		}},
		{"an error", []step{
			{func(b *board, f *fakeServer) {
				f.fail = errors.New("too many")
				b.show([]Note{n("a", "x", 0), n("b", "y", 0)})
				for i := range 3 {
					if next := b.flush(context.Background()); time.Until(next) != patience {
						panic(fmt.Sprint("flush ", i, " comes again in ", time.Until(next)))
					}
					time.Sleep(patience)
				}
				f.fail = nil
			}, "error: too many; a 0>1 x; b 0>2 y"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeServer{}
				b := newBoard(f, func(err error) { f.told = append(f.told, "error: "+err.Error()) })
				for i, s := range tt.steps {
					s.do(b, f)
					flushAll(b)
					if got := f.heard(); got != s.want {
						t.Fatalf("step %d: told %q, want %q", i, got, s.want)
					}
				}
			})
		})
	}
}

func flushAll(b *board) {
	for {
		next := b.flush(context.Background())
		if next.IsZero() {
			return
		}
		time.Sleep(time.Until(next))
	}
}

// TestFlood changes a note a thousand times in three seconds.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{}
		b := newBoard(f, nil)
		for i := range 1000 {
			b.show([]Note{n("a", fmt.Sprint(i), i), n("b", "same", 0)})
			b.flush(context.Background())
			time.Sleep(3 * time.Millisecond)
		}
		flushAll(b)
		if len(f.told) > 6 || f.told[len(f.told)-1] != "a 1>1 999" || f.told[0] != "a 0>1 0" {
			t.Errorf("told %q", f.told)
		}
	})
}

// TestStuck has a server that takes longer than anybody waits.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{fail: context.DeadlineExceeded, slow: answer}
		b := newBoard(f, func(error) {})
		b.show([]Note{n("a", "x", 0), n("b", "x", 0)})
		start := time.Now()
		next := b.flush(context.Background())
		if d := time.Since(start); d != answer {
			t.Errorf("one flush takes %s", d)
		}
		if d := time.Until(next); d != patience {
			t.Errorf("the next one comes %s later", d)
		}
	})
}

// TestAnyOrder shows, withdraws, closes and loses at random: in the end what is
// shown is what is wanted, save what was closed.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeServer{}
			b := newBoard(f, nil)
			keys := []string{"a", "b", "c"}
			var wanted []Note
			closed := map[string]bool{}
			for range rapid.IntRange(1, 30).Draw(rt, "steps") {
				switch rapid.SampledFrom([]string{"show", "show", "flush", "close", "lose", "wait"}).Draw(rt, "step") {
				case "show":
					before := wanted
					wanted = nil
					for _, k := range keys {
						if rapid.Bool().Draw(rt, k) {
							wanted = append(wanted, n(k, fmt.Sprint(rapid.IntRange(0, 2).Draw(rt, "body")), 0))
						} else if slices.ContainsFunc(before, func(o Note) bool { return o.Key == k }) {
							delete(closed, k)
						}
					}
					b.show(wanted)
				case "flush":
					b.flush(t.Context())
				case "close":
					for _, id := range slices.Sorted(maps.Keys(f.shown))[:min(1, len(f.shown))] {
						if key := f.shown[id].Key; !b.entries[key].gone {
							closed[key] = true
						}
						delete(f.shown, id)
						b.closed(id)
					}
				case "lose":
					f.shown = nil
					b.lost()
				case "wait":
					time.Sleep(interval / 2)
				}
			}
			flushAll(b)
			var want, got []string
			for _, w := range wanted {
				if !closed[w.Key] {
					want = append(want, w.Key+w.Body)
				}
			}
			for _, s := range f.shown {
				got = append(got, s.Key+s.Body)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Errorf("shown %q, wanted %q", got, want)
			}
		})
	})
}
