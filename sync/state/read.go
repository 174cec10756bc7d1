package state

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Folders returns every pair, in the order they were added.
func (d *DB) Folders(ctx context.Context) (folders []Folder, err error) {
	err = d.use(ctx, "read the folders", func(c *conn) (err error) {
		folders, err = readFolders(ctx, c)
		return err
	})
	return folders, err
}

// Rows returns the base of a folder, ascending by UID; none for a folder that
// is not there.
func (d *DB) Rows(ctx context.Context, folder int64) (rows []mail.Entry, err error) {
	err = d.use(ctx, "read the base", func(c *conn) (err error) {
		rows, err = readRows(ctx, c, folder)
		return err
	})
	return rows, err
}

// Tally counts the mails in the base of a folder, and those of them that are
// neither read nor marked as deleted; none for a folder that is not there.
func (d *DB) Tally(ctx context.Context, folder int64) (messages, unseen int, err error) {
	err = d.use(ctx, "count the base", func(c *conn) (err error) {
		messages, unseen, err = tally(ctx, c, folder)
		return err
	})
	return messages, unseen, err
}

// Lookup returns those rows of the given UIDs that exist, ascending by UID.
func (d *DB) Lookup(ctx context.Context, folder int64, uids mail.Set) (rows []mail.Entry, err error) {
	err = d.use(ctx, "read the base", func(c *conn) (err error) {
		rows, err = lookup(ctx, c, folder, uids)
		return err
	})
	return rows, err
}

// Intents returns the open intents of a folder, in the order they were added.
func (d *DB) Intents(ctx context.Context, folder int64) (intents []Intent, err error) {
	err = d.use(ctx, "read the journal", func(c *conn) (err error) {
		intents, err = readIntents(ctx, c, folder)
		return err
	})
	return intents, err
}

// Meta returns the value kept under key, and whether there is one.
func (d *DB) Meta(ctx context.Context, key string) (value string, ok bool, err error) {
	err = d.use(ctx, "read a value", func(c *conn) error {
		return c.each(ctx, "SELECT value FROM meta WHERE key = ?", []driver.Value{[]byte(key)}, func(v []driver.Value) error {
			value, ok = string(blob(v[0])), true
			return nil
		})
	})
	return value, ok, err
}

// Metas returns the values of all keys that begin with prefix, by what follows it.
func (d *DB) Metas(ctx context.Context, prefix string) (values map[string]string, err error) {
	values = map[string]string{}
	err = d.use(ctx, "read values", func(c *conn) error {
		return c.each(ctx, "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", []driver.Value{int64(len(prefix)), []byte(prefix)}, func(v []driver.Value) error {
			values[string(blob(v[0]))[len(prefix):]] = string(blob(v[1]))
			return nil
		})
	})
	return values, err
}

const selectFolder = "SELECT id, remote, local, count, remote_stamp, local_stamp, sum FROM folder "

func readFolders(ctx context.Context, c *conn) ([]Folder, error) {
	var folders []Folder
	err := c.each(ctx, selectFolder+"ORDER BY id", nil, func(v []driver.Value) error {
		f, err := folderOf(v)
		folders = append(folders, f)
		return err
	})
	return folders, err
}

// readFolder returns nil for a folder that is not there.
func readFolder(ctx context.Context, c *conn, id int64) (*Folder, error) {
	var found *Folder
	err := c.each(ctx, selectFolder+"WHERE id = ?", []driver.Value{id}, func(v []driver.Value) error {
		f, err := folderOf(v)
		found = &f
		return err
	})
	return found, err
}

func folderOf(v []driver.Value) (Folder, error) {
	f := Folder{ID: num(v[0]), Remote: string(blob(v[1])), Local: string(blob(v[2])), Count: int(num(v[3]))}
	if num(v[6]) != int64(sum([]int64{f.ID, num(v[3])}, blob(v[1]), blob(v[2]), blob(v[4]), blob(v[5]))) {
		return f, &damage{fmt.Sprintf("folder %d is not what was written", f.ID)}
	}
	var err error
	if f.RemoteStamp, err = unpackStamp(blob(v[4])); err == nil {
		f.LocalStamp, err = unpackStamp(blob(v[5]))
	}
	return f, err
}

func readRows(ctx context.Context, c *conn, folder int64) ([]mail.Entry, error) {
	f, err := readFolder(ctx, c, folder)
	if f == nil || err != nil {
		return nil, err
	}
	rows := make([]mail.Entry, 0, f.Count)
	err = c.each(ctx, "SELECT slot, mails FROM chunk WHERE folder = ? ORDER BY slot", []driver.Value{folder},
		func(v []driver.Value) (err error) {
			rows, err = unpack(rows, folder, num(v[0]), blob(v[1]))
			return err
		})
	if err == nil && len(rows) != f.Count {
		err = miscounted(f, len(rows))
	}
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// tally keeps one chunk in memory at a time.
func tally(ctx context.Context, c *conn, folder int64) (messages, unseen int, err error) {
	f, err := readFolder(ctx, c, folder)
	if f == nil || err != nil {
		return 0, 0, err
	}
	var chunk []mail.Entry
	err = c.each(ctx, "SELECT slot, mails FROM chunk WHERE folder = ?", []driver.Value{folder}, func(v []driver.Value) (err error) {
		if chunk, err = unpack(chunk[:0], folder, num(v[0]), blob(v[1])); err != nil {
			return err
		}
		messages += len(chunk)
		for _, m := range chunk {
			if m.Flags&(mail.Seen|mail.Trashed) == 0 {
				unseen++
			}
		}
		return nil
	})
	if err == nil && messages != f.Count {
		err = miscounted(f, messages)
	}
	if err != nil {
		return 0, 0, err
	}
	return messages, unseen, nil
}

func miscounted(f *Folder, n int) error {
	return &damage{fmt.Sprintf("folder %d has %d mails and should have %d", f.ID, n, f.Count)}
}

func lookup(ctx context.Context, c *conn, folder int64, uids mail.Set) ([]mail.Entry, error) {
	var rows, chunk []mail.Entry
	for i := 0; i < len(uids); {
		// Ranges that share a chunk, or whose chunks are neighbours, are one read.
		first, last := slotOf(uids[i].First), slotOf(uids[i].Last)
		for i++; i < len(uids) && slotOf(uids[i].First) <= last+1; i++ {
			last = slotOf(uids[i].Last)
		}
		err := c.each(ctx, "SELECT slot, mails FROM chunk WHERE folder = ? AND slot BETWEEN ? AND ? ORDER BY slot",
			[]driver.Value{folder, first, last}, func(v []driver.Value) (err error) {
				if chunk, err = unpack(chunk[:0], folder, num(v[0]), blob(v[1])); err != nil {
					return err
				}
				for _, m := range chunk {
					if uids.Has(m.UID) {
						rows = append(rows, m)
					}
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// readChunk returns the mails of one slot, in buf where it is large enough.
func readChunk(ctx context.Context, c *conn, buf []mail.Entry, folder, slot int64) ([]mail.Entry, error) {
	buf = buf[:0]
	err := c.each(ctx, "SELECT mails FROM chunk WHERE folder = ? AND slot = ?", []driver.Value{folder, slot},
		func(v []driver.Value) (err error) {
			buf, err = unpack(buf, folder, slot, blob(v[0]))
			return err
		})
	return buf, err
}

const selectIntent = "SELECT id, folder, key, validity, next, size, hash, message_id, flags, unknown, sum FROM intent "

func readIntents(ctx context.Context, c *conn, folder int64) ([]Intent, error) {
	var intents []Intent
	err := c.each(ctx, selectIntent+"WHERE folder = ? ORDER BY id", []driver.Value{folder}, func(v []driver.Value) error {
		i, err := intentOf(v)
		intents = append(intents, i)
		return err
	})
	return intents, err
}

func intentOf(v []driver.Value) (Intent, error) {
	i := Intent{
		ID: num(v[0]), Folder: num(v[1]), Key: string(blob(v[2])),
		UIDValidity: uint32(num(v[3])), UIDNext: mail.UID(num(v[4])), Size: num(v[5]),
		MessageID: string(blob(v[7])), Flags: mail.Flags(num(v[8])), Unknown: num(v[9]) != 0,
	}
	copy(i.Hash[:], blob(v[6]))
	if num(v[10]) != int64(i.sum()) {
		return i, &damage{fmt.Sprintf("intent %d is not what was written", i.ID)}
	}
	return i, nil
}

func (i *Intent) sum() uint32 {
	unknown := int64(0)
	if i.Unknown {
		unknown = 1
	}
	return sum([]int64{i.ID, i.Folder, int64(i.UIDValidity), int64(i.UIDNext), i.Size, int64(i.Flags), unknown},
		[]byte(i.Key), i.Hash[:], []byte(i.MessageID))
}
