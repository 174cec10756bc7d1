package event

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func read(s *Subscription) (out []string) {
	for {
		select {
		case e, ok := <-s.C():
			if !ok {
				return append(out, "closed")
			}
			word := string(e.Kind)
			if e.Kind == JobNew {
				word = fmt.Sprint(e.Job)
			}
			out = append(out, word)
		default:
			return out
		}
	}
}

func TestSlowSubscriber(t *testing.T) {
	var b Broadcaster
	slow, quick := b.Subscribe(3), b.Subscribe(100)
	for i := range uint32(6) {
		b.Send(Event{Kind: JobNew, Job: i})
	}
	if got := fmt.Sprint(read(slow)); got != "[0 1 lost]" {
		t.Errorf("the slow one has %s", got)
	}
	b.Send(Event{Kind: JobNew, Job: 6})
	if got := fmt.Sprint(read(slow)); got != "[6]" {
		t.Errorf("then %s", got)
	}
	if got := fmt.Sprint(read(quick)); got != "[0 1 2 3 4 5 6]" {
		t.Errorf("the quick one has %s", got)
	}
	slow.Close()
	slow.Close()
	b.Send(Event{Kind: JobNew, Job: 7})
	b.Close()
	if got := fmt.Sprint(read(slow)); got != "[closed]" {
		t.Errorf("after its end %s", got)
	}
	if got := fmt.Sprint(read(quick)); got != "[7 closed]" {
		t.Errorf("at the end %s", got)
	}
	if got := fmt.Sprint(read(b.Subscribe(1))); got != "[closed]" {
		t.Errorf("a late subscriber has %s", got)
	}
}

// TestNothingIsMissedInSilence: whoever reads sees either every event, in order,
// or Lost at the place of those that are missing, after which he looks at the
// Status, which is as new as the last event sent.
func TestNothingIsMissedInSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Broadcaster
		s := b.Subscribe(rapid.IntRange(0, 5).Draw(t, "room"))
		sent, known := uint32(0), uint32(0)
		look := func(e Event) {
			if e.Kind == Lost {
				known = sent
			} else if e.Job > known+1 {
				t.Fatalf("%d after %d", e.Job, known)
			} else {
				known = max(known, e.Job)
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "send") {
				sent++
				b.Send(Event{Kind: JobNew, Job: sent})
				continue
			}
			select {
			case e := <-s.C():
				look(e)
			default:
			}
		}
		for len(s.C()) > 0 {
			look(<-s.C())
		}
		if known != sent {
			t.Fatalf("%d events were sent, and %d are known of", sent, known)
		}
	})
}
