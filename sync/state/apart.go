package state

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Apart is what a folder has on one side only and is not to have on the other.
// Such mails have no row in the base.
type Apart struct {
	Limits        string   // what it was decided by, in the caller's words
	First         mail.UID // the first of the window that they open; 0: there is none
	Remote, Local mail.Set // UIDs of mails that only that side has
}

func (a Apart) empty() bool {
	return a.Limits == "" && a.First == 0 && len(a.Remote) == 0 && len(a.Local) == 0
}

// SetApart replaces what a folder has apart.
type SetApart struct {
	Folder int64
	Apart  Apart
}

// Apart returns what a folder has apart; nothing for one that is not there.
func (d *DB) Apart(ctx context.Context, folder int64) (a Apart, err error) {
	err = d.use(ctx, "read what is apart", func(c *conn) (err error) {
		a, err = readApart(ctx, c, folder)
		return err
	})
	return a, err
}

// Limits returns Apart.Limits of all folders that have any.
func (d *DB) Limits(ctx context.Context) (map[int64]string, error) {
	limits := map[int64]string{}
	err := d.use(ctx, "read the limits", func(c *conn) error {
		return c.each(ctx, "SELECT folder, limits FROM apart", nil, func(v []driver.Value) error {
			limits[num(v[0])] = string(blob(v[1]))
			return nil
		})
	})
	return limits, err
}

func readApart(ctx context.Context, c *conn, folder int64) (a Apart, err error) {
	err = c.each(ctx, "SELECT limits, first, remote, local, sum FROM apart WHERE folder = ?", []driver.Value{folder}, func(v []driver.Value) error {
		var ok, also bool
		a.Limits = string(blob(v[0]))
		a.First = mail.UID(num(v[1]))
		a.Remote, ok = mail.ParseSet(string(blob(v[2])))
		a.Local, also = mail.ParseSet(string(blob(v[3])))
		if !ok || !also || num(v[4]) != int64(sum([]int64{folder, num(v[1])}, blob(v[0]), blob(v[2]), blob(v[3]))) {
			return &damage{fmt.Sprintf("what folder %d has apart is not what was written", folder)}
		}
		return nil
	})
	return a, err
}

func (s SetApart) apply(t *tx) error {
	if s.Apart.empty() {
		_, err := t.c.exec("DELETE FROM apart WHERE folder = ?", s.Folder)
		return err
	}
	if _, err := t.folder(s.Folder); err != nil {
		return err
	}
	limits, remote, local := octets(s.Apart.Limits), octets(s.Apart.Remote.String()), octets(s.Apart.Local.String())
	first := int64(s.Apart.First)
	_, err := t.c.exec("INSERT INTO apart (folder, limits, first, remote, local, sum) VALUES (?, ?, ?, ?, ?, ?)"+
		" ON CONFLICT DO UPDATE SET limits = excluded.limits, first = excluded.first, remote = excluded.remote, local = excluded.local, sum = excluded.sum",
		s.Folder, limits, first, remote, local, int64(sum([]int64{s.Folder, first}, limits, remote, local)))
	return err
}
