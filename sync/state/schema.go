package state

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// applicationID marks a SQLite file as ours: "OIMD".
const applicationID = 0x4f494d44

// migrations lead from each schema version to the next; PRAGMA user_version
// counts those that were made. A released one is never changed.
//
// Names, keys and all else that came from outside are BLOBs: they are octets,
// which need not be text in any encoding.
var migrations = []string{`
CREATE TABLE account (
	id    INTEGER PRIMARY KEY CHECK (id = 1),
	name  BLOB NOT NULL,
	clean INTEGER NOT NULL -- closed in order; 0 from the first change on
);
CREATE TABLE meta (
	key   BLOB PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE folder (
	id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
	remote       BLOB NOT NULL,
	local        BLOB NOT NULL,
	count        INTEGER NOT NULL, -- mails in its chunks
	remote_stamp BLOB NOT NULL,
	local_stamp  BLOB NOT NULL,
	sum          INTEGER NOT NULL,
	UNIQUE (remote, local)
);
CREATE TABLE chunk ( -- the base: up to 256 mails a row
	folder INTEGER NOT NULL REFERENCES folder (id),
	slot   INTEGER NOT NULL, -- UID / 256
	mails  BLOB NOT NULL,
	PRIMARY KEY (folder, slot)
) WITHOUT ROWID;
CREATE TABLE intent ( -- the journal
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	folder     INTEGER NOT NULL REFERENCES folder (id),
	key        BLOB NOT NULL,
	validity   INTEGER NOT NULL,
	next       INTEGER NOT NULL,
	size       INTEGER NOT NULL,
	hash       BLOB NOT NULL,
	message_id BLOB NOT NULL,
	flags      INTEGER NOT NULL,
	unknown    INTEGER NOT NULL,
	sum        INTEGER NOT NULL
);
CREATE INDEX intent_folder ON intent (folder);
`, `
CREATE TABLE apart ( -- mails that one side has alone, by choice
	folder INTEGER PRIMARY KEY REFERENCES folder (id),
	limits BLOB NOT NULL, -- what the choice was made by
	first  INTEGER NOT NULL, -- the first UID that was within them
	remote BLOB NOT NULL, -- UIDs, as an IMAP sequence-set
	local  BLOB NOT NULL,
	sum    INTEGER NOT NULL
);
`}

// checkHeader refuses a file that is not ours before SQLite sees it: opening
// another program's database would already replay its journal. The fields are
// those of https://www.sqlite.org/fileformat.html, section 1.3.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var h [100]byte
	n, err := f.ReadAt(h[:], 0)
	switch {
	case n == 0:
		return &damage{"it is empty"}
	case !bytes.HasPrefix(h[:n], []byte("SQLite format 3\x00")):
		return &damage{"it is not a database"}
	case err != nil:
		return &damage{"it is cut short"}
	case binary.BigEndian.Uint32(h[68:]) != applicationID:
		return &damage{"it is a database of another program"}
	}
	return nil
}

// migrate brings the schema up to the last of steps, in one transaction.
func migrate(ctx context.Context, c *conn, steps []string) error {
	var version int
	if err := c.each(ctx, "PRAGMA user_version", nil, func(v []driver.Value) error {
		version = int(num(v[0]))
		return nil
	}); err != nil {
		return err
	}
	if version > len(steps) {
		return &store.Error{Class: store.Config,
			Err:  fmt.Errorf("it was written by a newer version of this program (schema %d, known up to %d)", version, len(steps)),
			Hint: "use the newer version, or move the file away: both sides are then compared in full"}
	}
	if version < 0 {
		return &damage{fmt.Sprintf("its schema version is %d", version)}
	}
	if version == len(steps) {
		return nil
	}
	sql := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, len(steps))
	for i := len(steps) - 1; i >= version; i-- {
		sql = steps[i] + ";\n" + sql
	}
	if err := c.durable(true); err != nil {
		return err
	}
	if _, err := c.c.Exec("BEGIN IMMEDIATE;\n"+sql+"COMMIT", nil); err != nil {
		if !c.c.AutoCommit() {
			_, _ = c.c.Exec("ROLLBACK", nil)
		}
		return fmt.Errorf("bring its schema from version %d to %d: %w", version, len(steps), err)
	}
	return nil
}

// verify reads everything, which a file that was not closed in order needs.
func verify(ctx context.Context, c *conn) error {
	rows, err := c.c.QueryContext(ctx, "PRAGMA quick_check(1)", nil)
	if err != nil {
		return err
	}
	v := make([]driver.Value, 1)
	err = rows.Next(v)
	if err := rows.Close(); err != nil && ctx.Err() == nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if s := fmt.Sprintf("%s", v[0]); s != "ok" {
		return &damage{s}
	}
	if err := c.each(ctx, "PRAGMA foreign_key_check", nil, func([]driver.Value) error {
		return &damage{"rows of a folder that is not there"}
	}); err != nil {
		return err
	}
	folders, err := readFolders(ctx, c)
	if err != nil {
		return err
	}
	for _, f := range folders {
		if _, err := readRows(ctx, c, f.ID); err != nil {
			return err
		}
		if _, err := readIntents(ctx, c, f.ID); err != nil {
			return err
		}
		if _, err := readApart(ctx, c, f.ID); err != nil {
			return err
		}
	}
	return nil
}
