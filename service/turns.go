package service

import (
	"cmp"
	"slices"
	"strings"
)

// hostBudget is how many connections all runs to one host have together, unless
// an account is configured to have more: Dovecot lets 10 in for a user and
// address (mail_max_userip_connections), Gmail 15.
const hostBudget = 10

// turns decides whose run may start. It belongs to the book.
type turns struct {
	most    int // runs at a time; 0: any number
	waiting []turn
	granted []turn
}

// turn is the wish of an account to run, or its leave to.
type turn struct {
	account, host string
	want          int  // connections it would like to have
	urgent        bool // a person waits
	serial        uint64
	grant         chan<- grant // has room for one
	got           int
}

// grant is the leave to run with some connections, for the wish of that serial.
type grant struct {
	serial      uint64
	connections int
}

// ask puts a wish in line; a person's goes before those of the clock.
func (t *turns) ask(w turn) {
	at := len(t.waiting)
	if w.urgent {
		if i := slices.IndexFunc(t.waiting, func(o turn) bool { return !o.urgent }); i >= 0 {
			at = i
		}
	}
	w.host = cmp.Or(strings.ToLower(w.host), "account "+w.account)
	w.want = max(1, w.want)
	t.waiting = slices.Insert(t.waiting, at, w)
	t.give()
}

// leave takes an account out of the line, or gives back what it was granted.
func (t *turns) leave(account string) {
	own := func(w turn) bool { return w.account == account }
	t.waiting = slices.DeleteFunc(t.waiting, own)
	t.granted = slices.DeleteFunc(t.granted, own)
	t.give()
}

// limit changes how many may run at a time.
func (t *turns) limit(most int) {
	t.most = most
	t.give()
}

// give grants whatever can be granted. One that waits for its host does not
// stand in the way of those behind it.
func (t *turns) give() {
	t.waiting = slices.DeleteFunc(t.waiting, func(w turn) bool {
		if t.most > 0 && len(t.granted) >= t.most {
			return false
		}
		free := max(hostBudget, w.want)
		for _, g := range t.granted {
			if g.host == w.host {
				free -= g.got
			}
		}
		if free < 1 {
			return false
		}
		w.got = min(w.want, free)
		w.grant <- grant{w.serial, w.got}
		t.granted = append(t.granted, w)
		return true
	})
}
