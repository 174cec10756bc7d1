package imap

import (
	"context"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// statusChunk is how many STATUS commands go in one flight.
const statusChunk = 100

// Survey lists every mailbox: with one command where the server has LIST-STATUS
// (RFC 5819), else with one for the names and a flight of STATUS.
func (s *Store) Survey(ctx context.Context) ([]store.Mailbox, error) {
	var sv *survey
	err := s.reading(ctx, "", func(x *session) (bool, error) {
		sv = &survey{x: x, at: map[string]int{}}
		return false, sv.run(ctx)
	})
	if err != nil {
		return nil, wrap(store.ScopeStore, err, "list the mailboxes of %s", s.o.Host)
	}
	spelled := names.NewSpellings(sv.separator)
	for _, m := range sv.boxes {
		spelled.Add(m.Name)
	}
	s.learn(func(l *layout) { l.separator, l.spelled = sv.separator, spelled })
	for _, m := range sv.boxes {
		if m.Selectable && m.Stamp.UIDValidity != 0 {
			s.seen.note(m.Name, m.Stamp)
		}
	}
	return sv.boxes, nil
}

type survey struct {
	x         *session
	boxes     []store.Mailbox
	at        map[string]int // index by name
	separator byte
}

func (v *survey) run(ctx context.Context) error {
	x := v.x
	var cmds []*wire.Command
	if x.box.name != "" && x.has(goimap.CapUnselect) {
		// STATUS should not be asked of a selected mailbox (RFC 9051, section 6.3.11).
		cmds = append(cmds, wire.Unselect())
		x.box = box{}
	}
	list, withStatus, extended := v.list()
	res, err := x.run(ctx, v.handler(), append(cmds, list)...)
	if err != nil {
		return err
	}
	refused := extended && !res[len(res)-1].OK()
	if refused {
		v.boxes, v.at, withStatus = nil, map[string]int{}, false
		list = wire.ListCmd(x.s.o.Reference, "*", wire.ListOptions{Lsub: x.s.o.SubscribedOnly})
		if res, err = x.run(ctx, v.handler(), list); err != nil {
			return err
		}
	}
	if err := answered(store.ScopeStore, res[len(res)-1], "LIST"); err != nil {
		return err
	}
	switch {
	case withStatus || x.quirks.noStatus:
	case x.has(goimap.CapListStatus) && !refused:
		// The capabilities came with the names only; the names once more are cheaper
		// than a STATUS for each.
		list, _, _ = v.list()
		if _, err := x.run(ctx, v.handler(), list); err != nil {
			return err
		}
	default:
		if err := v.status(ctx); err != nil {
			return err
		}
	}
	if v.separator == 0 && len(v.boxes) == 0 {
		_, err = x.run(ctx, v.handler(), wire.ListCmd(x.s.o.Reference, "", wire.ListOptions{}))
		v.boxes = nil // that is the root, no mailbox
	}
	return err
}

// list returns the best command for the names, whether it asks for the stamps
// too, and whether it goes beyond RFC 3501.
func (v *survey) list() (k *wire.Command, withStatus, extended bool) {
	o := &v.x.s.o
	withStatus = v.x.has(goimap.CapListStatus) && !v.x.quirks.noStatus
	lo := wire.ListOptions{}
	if o.SubscribedOnly {
		if !withStatus && !v.x.has(goimap.CapListExtended) {
			return wire.ListCmd(o.Reference, "*", wire.ListOptions{Lsub: true}), false, false
		}
		lo.Select = []string{"SUBSCRIBED"}
	}
	if withStatus {
		lo.Status = v.items()
	}
	return wire.ListCmd(o.Reference, "*", lo), withStatus, withStatus || o.SubscribedOnly
}

func (v *survey) items() []string {
	items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	if v.x.condstore() {
		items = append(items, "HIGHESTMODSEQ")
	}
	return items
}

func (v *survey) handler() *wire.Handler {
	return &wire.Handler{List: v.listed, Status: v.told}
}

func (v *survey) listed(l *wire.List) {
	if v.separator == 0 {
		v.separator = l.Delim
	}
	if l.Mailbox == "" {
		return // the root
	}
	name := canonical(l.Mailbox)
	m := store.Mailbox{
		Name: name, Display: names.Display(name),
		Selectable: !l.Has(goimap.MailboxAttrNoSelect) && !l.Has(goimap.MailboxAttrNonExistent),
	}
	if i, twice := v.at[name]; twice {
		m.Stamp = v.boxes[i].Stamp
		m.Selectable = m.Selectable || v.boxes[i].Selectable
		v.boxes[i] = m
		return
	}
	v.at[name] = len(v.boxes)
	v.boxes = append(v.boxes, m)
}

// told takes a STATUS. What is missing in it makes the stamp unsure.
func (v *survey) told(st *wire.Status) {
	i, ok := v.at[canonical(st.Mailbox)]
	if !ok {
		return
	}
	stamp := mail.Stamp{UIDValidity: st.UIDValidity, UIDNext: mail.UID(st.UIDNext), Messages: st.Messages}
	if v.x.condstore() {
		stamp.ModSeq = mail.ModSeq(st.HighestModSeq)
	}
	stamp.Sure = st.HasMessages && stamp.UIDValidity != 0 && stamp.UIDNext != 0 && stamp.ModSeq != 0
	v.boxes[i].Stamp = stamp
}

// status asks for the stamps one by one. A mailbox that refuses has none.
func (v *survey) status(ctx context.Context) error {
	var cmds []*wire.Command
	for _, m := range v.boxes {
		if m.Selectable {
			cmds = append(cmds, wire.StatusCmd(m.Name, v.items()...))
		}
	}
	for len(cmds) > 0 {
		n := min(len(cmds), statusChunk)
		if _, err := v.x.run(ctx, v.handler(), cmds[:n]...); err != nil {
			return err
		}
		cmds = cmds[n:]
	}
	return nil
}
