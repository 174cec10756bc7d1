package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// The order of the items is that in which servers answer: with the body last it
// can be handed on while it comes.
const bodyItems = "(UID FLAGS INTERNALDATE BODY.PEEK[])"

// Fetch streams bodies from the connection to deliver, one behind the other.
func (f *folder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	want := newWanted(refs)
	if want.left == 0 {
		return nil
	}
	err := f.s.reading(ctx, f.name, func(x *session) (bool, error) {
		d := &download{f: f, x: x, want: want, deliver: deliver}
		defer d.held.drop()
		err := f.bisect(ctx, x, want, bodyItems, d.handler)
		return want.left < len(want.uids), err
	})
	var stop stopped
	if errors.As(err, &stop) {
		return stop.error
	}
	return f.wrap(err, "read mails of %s", f)
}

// stopped is an error of deliver, which Fetch returns as it is.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }

// wanted keeps account of the mails that were asked for.
type wanted struct {
	uids []mail.UID // ascending
	done []bool     // delivered, or left out by deliver
	left int
}

func newWanted(refs []mail.Ref) *wanted {
	w := &wanted{uids: make([]mail.UID, 0, len(refs))}
	for _, r := range refs {
		if r.UID != 0 {
			w.uids = append(w.uids, r.UID)
		}
	}
	slices.Sort(w.uids)
	w.uids = slices.Compact(w.uids)
	w.done, w.left = make([]bool, len(w.uids)), len(w.uids)
	return w
}

// take tells whether u was asked for and has not come yet; from now on it has.
func (w *wanted) take(u mail.UID) bool {
	i, ok := slices.BinarySearch(w.uids, u)
	if !ok || w.done[i] {
		return false
	}
	w.done[i] = true
	w.left--
	return true
}

// open tells whether u was asked for and has not come yet.
func (w *wanted) open(u mail.UID) bool {
	i, ok := slices.BinarySearch(w.uids, u)
	return ok && !w.done[i]
}

// missing returns those of a set that have not come.
func (w *wanted) missing(s mail.Set) mail.Set {
	var m mail.Set
	for _, r := range s {
		i, _ := slices.BinarySearch(w.uids, r.First)
		for ; i < len(w.uids) && w.uids[i] <= r.Last; i++ {
			if !w.done[i] {
				m.Append(w.uids[i], w.uids[i])
			}
		}
	}
	return m
}

// hopeless is after how many mails refused one by one, while none was given,
// the mailbox itself is taken for the reason.
const hopeless = 16

// bisect fetches items of the wanted mails in one flight. Where the server
// refuses a set, its parts are tried, so that a mail that it will not give
// costs no other. handler is asked for anew in each flight, with the mailbox
// that the answers are about.
func (f *folder) bisect(ctx context.Context, x *session, want *wanted, items string, handler func(*box) *wire.Handler) error {
	sets := chunks(want.missing(mail.SetOfRanges(mail.Range{First: 1, Last: ^mail.UID(0)})))
	refused, start := 0, want.left
	for len(sets) > 0 {
		first, b, selects := f.entry(x)
		cmds := []*wire.Command{first}
		for _, s := range sets {
			cmds = append(cmds, wire.UIDFetch(uidSet(s), items, wire.FetchOptions{}))
		}
		res, err := x.run(ctx, handler(b), cmds...)
		if err != nil {
			return err
		}
		if selects {
			if err := f.entered(x, b, res[0]); err != nil {
				return err
			}
		}
		var next []mail.Set
		for i, r := range res[1:] {
			if r.OK() {
				continue // what did not come is gone
			}
			err := answered(store.ScopeFolder, r, "fetch")
			if store.ClassOf(err) == store.Temporary {
				return err
			}
			switch parts := halves(want.missing(sets[i])); len(parts) {
			case 0:
			case 1:
				if refused++; refused >= hopeless && want.left == start {
					return err
				}
			default:
				next = append(next, parts...)
			}
		}
		sets = next
	}
	return nil
}

// halves cuts a set into two of half as many mails; a single mail stays alone.
func halves(s mail.Set) []mail.Set {
	n := s.Len()
	if n == 0 {
		return nil
	}
	if n == 1 {
		return []mail.Set{s}
	}
	var a, b mail.Set
	i := 0
	for u := range s.All {
		if i < n/2 {
			a.Append(u, u)
		} else {
			b.Append(u, u)
		}
		i++
	}
	return []mail.Set{a, b}
}

// download hands bodies on.
type download struct {
	f       *folder
	x       *session
	b       *box
	want    *wanted
	deliver store.Deliver
	held    spool // a body whose UID, flags or date come behind it
	holds   bool
}

func (d *download) handler(b *box) *wire.Handler {
	d.b = b
	return &wire.Handler{Body: d.body, Fetch: d.end}
}

// body takes the octets of a mail as they come. Where all that Mail needs came
// before them, as is usual, they go straight from the connection to deliver.
func (d *download) body(m *wire.Fetch, section string, size int64, r io.Reader) error {
	if section != "" || d.f.same(d.b) != nil {
		return nil // the SELECT of this flight led elsewhere
	}
	u := mail.UID(m.UID)
	if u != 0 && !d.want.open(u) {
		return nil
	}
	if u != 0 && m.HasFlags && !m.Date.IsZero() {
		return d.hand(m, size, r)
	}
	d.held.drop()
	if err := d.held.fill(r); err != nil { // were it r's, wire would report that
		return stopped{store.Fail(store.Local, store.ScopeFolder, fmt.Errorf("keep a mail for a moment: %w", err))}
	}
	d.holds = true
	return nil
}

// end takes the end of a FETCH response, where all is known of a body held.
func (d *download) end(m *wire.Fetch) error {
	if !d.holds {
		return nil
	}
	d.holds = false
	defer d.held.drop()
	// Without flags it is not known as what it should be stored.
	if !m.HasFlags || !d.want.open(mail.UID(m.UID)) {
		return nil
	}
	return d.hand(m, d.held.size, d.held.reader())
}

func (d *download) hand(m *wire.Fetch, size int64, r io.Reader) error {
	u := mail.UID(m.UID)
	d.want.take(u)
	err := d.deliver(mail.Mail{Ref: mail.Ref{UID: u}, Flags: d.x.flags.read(m.Flags), Size: size, Date: m.Date}, r)
	if err != nil && store.ScopeOf(err) != store.ScopeMail {
		return stopped{err}
	}
	return nil
}
