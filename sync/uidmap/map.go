package uidmap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Pair says that a mail with the UID Local on the local server is the one with
// the UID Remote on the other side.
type Pair struct{ Local, Remote mail.UID }

// Map is the file of pairs. Its methods may be called by several goroutines.
type Map struct {
	db       *sql.DB
	readOnly bool
	lost     string
}

// schema: a mailbox is known by its server too, so that a change of the
// configuration and back costs nothing. An intent is a mail that was to be
// stored while the mailbox had next as its UIDNEXT; unseen: the server said that it
// is, and does not show it.
const schema = `
CREATE TABLE IF NOT EXISTS box (
	id INTEGER PRIMARY KEY, server TEXT NOT NULL, name TEXT NOT NULL, validity INTEGER NOT NULL,
	UNIQUE (server, name)
);
CREATE TABLE IF NOT EXISTS pair (
	box INTEGER NOT NULL REFERENCES box (id) ON DELETE CASCADE, remote INTEGER NOT NULL, local INTEGER NOT NULL,
	PRIMARY KEY (box, remote)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS pair_local ON pair (box, local);
CREATE TABLE IF NOT EXISTS intent (
	box INTEGER NOT NULL REFERENCES box (id) ON DELETE CASCADE, remote INTEGER NOT NULL,
	next INTEGER NOT NULL, size INTEGER NOT NULL, message TEXT NOT NULL, unseen INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (box, remote)
) WITHOUT ROWID;
PRAGMA user_version = 1;
`

const version = 1

// Open opens the map, and makes it where there is none; read-only it is empty
// then. A file that is damaged is put aside: that costs a comparison of all
// mails. The caller holds the lock of the account.
func Open(ctx context.Context, path string, readOnly bool) (*Map, error) {
	m, err := open(ctx, path, readOnly)
	if err == nil || ctx.Err() != nil || !damaged(err) {
		return m, err
	}
	if readOnly {
		return &Map{readOnly: true}, nil
	}
	if err := errors.Join(os.Rename(path, path+".damaged"), gone(path+"-wal"), gone(path+"-journal")); err != nil {
		return nil, failed("put the damaged map aside", err)
	}
	text := lost(path, err)
	if m, err = open(ctx, path, false); err != nil {
		return nil, err
	}
	m.lost = text
	return m, nil
}

func lost(path string, err error) string {
	return fmt.Sprintf("%s, which says which mail is which on the two servers, is damaged (%v): all mails are compared anew", path, err)
}

func gone(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// errNewer is not damage: the file is whole, and of use to who wrote it.
var errNewer = store.Fail(store.Config, store.ScopeStore, errors.New("the map of UIDs was written by a newer version of this program"))

func open(ctx context.Context, path string, readOnly bool) (*Map, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if readOnly {
			return &Map{readOnly: true}, nil
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, failed("make the map of UIDs", err)
		}
		if err := f.Close(); err != nil {
			return nil, failed("make the map of UIDs", err)
		}
	}
	q := url.Values{"mode": {"rw"}, "_busy_timeout": {"0"}, "_foreign_keys": {"1"}, "_cache_size": {"-1000"}, "_synchronous": {"FULL"}}
	if readOnly {
		// A run may be under way that has the file locked. What it adds meanwhile need
		// not be seen, and what is torn is taken for lost.
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	} else {
		q.Set("_locking_mode", "EXCLUSIVE")
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, failed("open the map of UIDs", err)
	}
	db.SetMaxOpenConns(1)
	m := &Map{db: db, readOnly: readOnly}
	if err := m.check(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return m, nil
}

// check makes sure that the file is what was written. The rollback journal, whose
// end is a truncation, is the mode in which a reader needs no file but this one.
func (m *Map) check(ctx context.Context) error {
	var v int
	if err := m.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return failed("open the map of UIDs", err)
	}
	if v > version {
		return errNewer
	}
	if !m.readOnly {
		if _, err := m.db.ExecContext(ctx, "PRAGMA journal_mode = TRUNCATE"); err != nil {
			return failed("open the map of UIDs", err)
		}
		if _, err := m.db.ExecContext(ctx, schema); err != nil {
			return failed("open the map of UIDs", err)
		}
	}
	var ok string
	if err := m.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&ok); err != nil {
		return failed("open the map of UIDs", err)
	}
	if ok != "ok" {
		return failed("open the map of UIDs", damage(ok))
	}
	if m.readOnly && v == 0 {
		return errors.Join(m.db.Close(), m.forget())
	}
	return nil
}

func (m *Map) forget() error { m.db = nil; return nil }

// Lost says what a person should know about the file, or "".
func (m *Map) Lost() string { return m.lost }

// Close closes the file.
func (m *Map) Close() error {
	if m.db == nil {
		return nil
	}
	return m.db.Close()
}

// box is a mailbox of the map.
type box struct {
	id       int64
	validity uint32
	last     mail.UID // the highest local UID of its pairs
	imagined []Pair   // in place of those of the file, where nothing may be written; ascending by Local
}

// find returns what is known of a mailbox; nil: nothing is.
func (m *Map) find(ctx context.Context, server, name string) (*box, error) {
	if m.db == nil {
		return nil, nil
	}
	b := &box{}
	err := m.db.QueryRowContext(ctx,
		"SELECT id, validity, (SELECT coalesce(max(local), 0) FROM pair WHERE box = id) FROM box WHERE server = ? AND name = ?", server, name).
		Scan(&b.id, &b.validity, &b.last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return b, failed("read the map of UIDs", err)
}

// begin replaces what is known of a mailbox.
func (m *Map) begin(ctx context.Context, server, name string, validity uint32, pairs []Pair) (*box, error) {
	b := &box{validity: validity}
	err := m.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM box WHERE server = ? AND name = ?", server, name); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "INSERT INTO box (server, name, validity) VALUES (?, ?, ?) RETURNING id", server, name, validity).Scan(&b.id); err != nil {
			return err
		}
		for _, p := range pairs {
			if err := put(ctx, tx, b.id, p); err != nil {
				return err
			}
		}
		return nil
	})
	return b, err
}

// put keeps a pair; either mail can have only one partner, the last.
func put(ctx context.Context, tx *sql.Tx, box int64, p Pair) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO pair (box, remote, local) VALUES (?, ?, ?)", box, p.Remote, p.Local)
	return err
}

// change writes, durably: all of it or nothing.
func (m *Map) change(ctx context.Context, f func(*sql.Tx) error) error {
	if m.db == nil || m.readOnly {
		return failed("write the map of UIDs", errors.New("it is open for reading only"))
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return failed("write the map of UIDs", err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the error is the one to tell
		return failed("write the map of UIDs", err)
	}
	return failed("write the map of UIDs", tx.Commit())
}

// each calls f with all pairs of a mailbox, ascending by Local.
func (m *Map) each(ctx context.Context, b *box, f func(Pair)) error {
	if b.imagined != nil {
		for _, p := range b.imagined {
			f(p)
		}
		return nil
	}
	return m.query(ctx, func(r *sql.Rows) error {
		var p Pair
		err := r.Scan(&p.Local, &p.Remote)
		f(p)
		return err
	}, "SELECT local, remote FROM pair WHERE box = ? ORDER BY local", b.id)
}

func (m *Map) query(ctx context.Context, row func(*sql.Rows) error, text string, args ...any) (err error) {
	if m.db == nil {
		return nil
	}
	rows, err := m.db.QueryContext(ctx, text, args...)
	if err != nil {
		return failed("read the map of UIDs", err)
	}
	defer func() { err = failed("read the map of UIDs", errors.Join(err, rows.Err(), rows.Close())) }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return nil
}

// local returns the UIDs on the local server of some mails of the other side.
func (m *Map) local(ctx context.Context, b *box, remote []mail.UID) (map[mail.UID]mail.UID, error) {
	out := make(map[mail.UID]mail.UID, len(remote))
	if b != nil && b.imagined != nil {
		for _, p := range b.imagined {
			if slices.Contains(remote, p.Remote) {
				out[p.Remote] = p.Local
			}
		}
		return out, nil
	}
	if m.db == nil || b == nil || len(remote) == 0 {
		return out, nil
	}
	s, err := m.db.PrepareContext(ctx, "SELECT local FROM pair WHERE box = ? AND remote = ?")
	if err != nil {
		return nil, failed("read the map of UIDs", err)
	}
	defer s.Close()
	for _, u := range remote {
		var l mail.UID
		switch err := s.QueryRowContext(ctx, b.id, u).Scan(&l); {
		case err == nil:
			out[u] = l
		case !errors.Is(err, sql.ErrNoRows):
			return nil, failed("read the map of UIDs", err)
		}
	}
	return out, nil
}

// names returns the mailboxes of a server that the map knows.
func (m *Map) names(ctx context.Context, server string) (out []string, err error) {
	err = m.query(ctx, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		out = append(out, name)
		return err
	}, "SELECT name FROM box WHERE server = ? ORDER BY name", server)
	return out, err
}

// intent is a mail that was to be stored.
type intent struct {
	remote  mail.UID
	next    mail.UID // UIDNEXT before
	size    int64
	message string // Message-ID
	unseen  bool
}

func (m *Map) intents(ctx context.Context, b *box) (out []intent, err error) {
	err = m.query(ctx, func(r *sql.Rows) error {
		var i intent
		err := r.Scan(&i.remote, &i.next, &i.size, &i.message, &i.unseen)
		out = append(out, i)
		return err
	}, "SELECT remote, next, size, message, unseen FROM intent WHERE box = ?", b.id)
	return out, err
}
