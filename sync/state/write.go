package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Commit makes all changes in one transaction, or none. With durable it is on
// disk when Commit returns; otherwise a crash of the machine, though not of the
// program, may take back the last commits, in whole and the latest first.
func (d *DB) Commit(ctx context.Context, durable bool, changes ...Change) error {
	if len(changes) == 0 {
		return nil
	}
	return d.use(ctx, "write", func(c *conn) error {
		d.step("commit")
		if err := c.durable(durable); err != nil {
			return err
		}
		if err := d.transaction(ctx, c, changes); err != nil {
			return err
		}
		d.clean = false
		d.step("committed")
		return nil
	})
}

func (d *DB) transaction(ctx context.Context, c *conn, changes []Change) (err error) {
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	t := &tx{ctx: ctx, c: c, folders: map[int64]*Folder{}}
	defer func() {
		if err == nil {
			return
		}
		for _, id := range t.given {
			*id = 0
		}
		// SQLite has rolled back by itself after some errors.
		if !c.c.AutoCommit() {
			_, rerr := c.exec("ROLLBACK")
			err = errors.Join(err, rerr)
		}
	}()
	if d.clean {
		if _, err := c.exec("UPDATE account SET clean = 0"); err != nil {
			return err
		}
	}
	for _, ch := range changes {
		if err := ch.apply(t); err != nil {
			return fmt.Errorf("%T: %w", ch, err)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	// From here on it is too late: the commit itself is not interrupted.
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = c.exec("COMMIT")
	return err
}

// tx is a transaction under way. Rows of folders are changed in memory and
// written once at its end, because a commit touches the same few often.
type tx struct {
	ctx     context.Context
	c       *conn
	folders map[int64]*Folder
	given   []*int64     // IDs handed to the caller, taken back if it fails
	old, to []mail.Entry // room for the mails of one slot, before and after
}

// folder returns a folder to be changed.
func (t *tx) folder(id int64) (*Folder, error) {
	if f := t.folders[id]; f != nil {
		return f, nil
	}
	f, err := readFolder(t.ctx, t.c, id)
	if err == nil && f == nil {
		err = fmt.Errorf("there is no folder %d", id)
	}
	if err != nil {
		return nil, err
	}
	t.folders[id] = f
	return f, nil
}

func (t *tx) flush() error {
	for _, f := range t.folders {
		remote, local := packStamp(f.RemoteStamp), packStamp(f.LocalStamp)
		n := int64(f.Count)
		if _, err := t.c.exec("UPDATE folder SET count = ?, remote_stamp = ?, local_stamp = ?, sum = ? WHERE id = ?",
			n, remote, local, int64(sum([]int64{f.ID, n}, []byte(f.Remote), []byte(f.Local), remote, local)), f.ID); err != nil {
			return err
		}
	}
	return nil
}

func (a AddFolder) apply(t *tx) error {
	f := *a.Folder
	f.Count = 0
	none := []byte{}
	r, err := t.c.exec("INSERT INTO folder (remote, local, count, remote_stamp, local_stamp, sum) VALUES (?, ?, 0, ?, ?, 0)",
		octets(f.Remote), octets(f.Local), none, none)
	if err != nil {
		return fmt.Errorf("%q and %q: %w", f.Remote, f.Local, err)
	}
	if f.ID, err = r.LastInsertId(); err != nil {
		return err
	}
	t.folders[f.ID] = &f
	a.Folder.ID, a.Folder.Count = f.ID, 0
	t.given = append(t.given, &a.Folder.ID)
	return nil
}

func (s SetStamps) apply(t *tx) error {
	f, err := t.folder(s.Folder)
	if err != nil {
		return err
	}
	if s.Remote != nil {
		f.RemoteStamp = *s.Remote
	}
	if s.Local != nil {
		f.LocalStamp = *s.Local
	}
	return nil
}

func (p PutRows) apply(t *tx) error {
	byUID := func(a, b mail.Entry) int { return int(int64(a.UID) - int64(b.UID)) }
	rows := p.Rows
	if !slices.IsSortedFunc(rows, byUID) {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, byUID)
	}
	if len(rows) > 0 && rows[0].UID == 0 {
		return errors.New("a mail without a UID")
	}
	for len(rows) > 0 {
		slot, n := slotOf(rows[0].UID), 1
		for n < len(rows) && slotOf(rows[n].UID) == slot {
			n++
		}
		put := rows[:n]
		rows = rows[n:]
		err := t.chunk(p.Folder, slot, func(old, merged []mail.Entry) []mail.Entry {
			for _, m := range put {
				for len(old) > 0 && old[0].UID < m.UID {
					merged, old = append(merged, old[0]), old[1:]
				}
				if len(old) > 0 && old[0].UID == m.UID {
					old = old[1:]
				}
				if k := len(merged); k > 0 && merged[k-1].UID == m.UID {
					merged[k-1] = m
					continue
				}
				merged = append(merged, m)
			}
			return append(merged, old...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p DropRows) apply(t *tx) error {
	uids := slices.Sorted(slices.Values(p.UIDs))
	for len(uids) > 0 {
		slot, n := slotOf(uids[0]), 1
		for n < len(uids) && slotOf(uids[n]) == slot {
			n++
		}
		drop := uids[:n]
		uids = uids[n:]
		err := t.chunk(p.Folder, slot, func(old, kept []mail.Entry) []mail.Entry {
			for _, m := range old {
				if _, gone := slices.BinarySearch(drop, m.UID); !gone {
					kept = append(kept, m)
				}
			}
			return kept
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// chunk replaces the mails of one slot by what change appends to its second
// argument, and counts them.
func (t *tx) chunk(folder, slot int64, change func(old, to []mail.Entry) []mail.Entry) error {
	f, err := t.folder(folder)
	if err != nil {
		return err
	}
	old, err := readChunk(t.ctx, t.c, t.old, folder, slot)
	if err != nil {
		return err
	}
	mails := change(old, t.to[:0])
	t.old, t.to = old, mails
	f.Count += len(mails) - len(old)
	switch {
	case slices.Equal(mails, old):
		return nil
	case len(mails) == 0:
		_, err = t.c.exec("DELETE FROM chunk WHERE folder = ? AND slot = ?", folder, slot)
	default:
		_, err = t.c.exec("INSERT INTO chunk (folder, slot, mails) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET mails = excluded.mails",
			folder, slot, pack(folder, slot, mails))
	}
	return err
}

func (g ForgetFolder) apply(t *tx) error {
	delete(t.folders, g.Folder)
	for _, sql := range []string{
		"DELETE FROM chunk WHERE folder = ?",
		"DELETE FROM intent WHERE folder = ?",
		"DELETE FROM apart WHERE folder = ?",
		"DELETE FROM folder WHERE id = ?",
	} {
		if _, err := t.c.exec(sql, g.Folder); err != nil {
			return err
		}
	}
	return nil
}

func (a AddIntents) apply(t *tx) error {
	for n := range a.Intents {
		i := &a.Intents[n]
		if _, err := t.folder(i.Folder); err != nil {
			return err
		}
		r, err := t.c.exec("INSERT INTO intent (folder, key, validity, next, size, hash, message_id, flags, unknown, sum)"+
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", i.Folder, octets(i.Key), int64(i.UIDValidity), int64(i.UIDNext), i.Size,
			i.Hash[:], octets(i.MessageID), int64(i.Flags), i.Unknown)
		if err != nil {
			return err
		}
		if i.ID, err = r.LastInsertId(); err != nil {
			return err
		}
		t.given = append(t.given, &i.ID)
		if _, err := t.c.exec("UPDATE intent SET sum = ? WHERE id = ?", int64(i.sum()), i.ID); err != nil {
			return err
		}
	}
	return nil
}

func (c CloseIntents) apply(t *tx) error {
	for _, id := range c.IDs {
		if _, err := t.c.exec("DELETE FROM intent WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

func (m MarkUnknown) apply(t *tx) error {
	for _, id := range m.IDs {
		var i *Intent
		if err := t.c.each(t.ctx, selectIntent+"WHERE id = ?", []driver.Value{id}, func(v []driver.Value) error {
			found, err := intentOf(v)
			i = &found
			return err
		}); err != nil {
			return err
		}
		if i == nil {
			return fmt.Errorf("there is no intent %d", id)
		}
		i.Unknown = true
		if _, err := t.c.exec("UPDATE intent SET unknown = 1, sum = ? WHERE id = ?", int64(i.sum()), id); err != nil {
			return err
		}
	}
	return nil
}

func (s SetMeta) apply(t *tx) error {
	if s.Value == "" {
		_, err := t.c.exec("DELETE FROM meta WHERE key = ?", octets(s.Key))
		return err
	}
	_, err := t.c.exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
		octets(s.Key), octets(s.Value))
	return err
}

// octets makes a blob of a string, never NULL.
func octets(s string) []byte { return append(make([]byte, 0, len(s)), s...) }
