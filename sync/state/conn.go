package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/mattn/go-sqlite3"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// damage is the error for content that is not what was written.
type damage struct{ what string }

func (e *damage) Error() string { return e.what }

// conn is one SQLite connection with its prepared statements. It is used
// without database/sql, whose pool, locks and goroutine a transaction serve
// many connections; there is one.
type conn struct {
	c     *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	full  bool // PRAGMA synchronous is FULL, not NORMAL
}

// dial opens an existing database. The lock is EXCLUSIVE: it is taken with the
// first access and kept, so that no other program can change a row under a
// run, and the index of the WAL lives in this process and needs no -shm file.
func dial(path string) (*conn, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {"0"}, // a wait inside SQLite would not end with the context
		"_locking_mode": {"EXCLUSIVE"},
		"_foreign_keys": {"1"},
		"_synchronous":  {"NORMAL"},
		"_cache_size":   {"-2000"}, // KiB
	}.Encode()}
	dc, err := (&sqlite3.SQLiteDriver{}).Open(u.String())
	if err != nil {
		return nil, err
	}
	c := &conn{c: dc.(*sqlite3.SQLiteConn), stmts: map[string]*sqlite3.SQLiteStmt{}}
	for _, sql := range []string{
		"PRAGMA mmap_size = 0", // a read error must be an error, not a SIGBUS
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cell_size_check = ON",
		"PRAGMA trusted_schema = OFF",
	} {
		if _, err := c.c.Exec(sql, nil); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *conn) close() error {
	// An open statement would keep the connection, and with it the WAL, alive.
	for _, s := range c.stmts {
		_ = s.Close() // repeats the error of the last use
	}
	clear(c.stmts)
	return c.c.Close()
}

func (c *conn) prepare(sql string) (*sqlite3.SQLiteStmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	ds, err := c.c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	s := ds.(*sqlite3.SQLiteStmt)
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) exec(sql string, args ...driver.Value) (driver.Result, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	return s.Exec(args)
}

// each calls f with every row. Between rows it looks at ctx; f's values are
// valid during the call, the byte slices among them for good.
func (c *conn) each(ctx context.Context, sql string, args []driver.Value, f func(v []driver.Value) error) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.Query(args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	v := make([]driver.Value, len(rows.Columns()))
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch err := rows.Next(v); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
}

// durable chooses whether the next transactions are synced one by one. It may
// not be called within one.
func (c *conn) durable(full bool) error {
	if full == c.full {
		return nil
	}
	sql := "PRAGMA synchronous = NORMAL"
	if full {
		sql = "PRAGMA synchronous = FULL"
	}
	if _, err := c.exec(sql); err != nil {
		return err
	}
	c.full = full
	return nil
}

// isDamage tells whether err says that the file is not what was written.
func isDamage(err error) bool {
	var d *damage
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB
	}
	return errors.As(err, &d)
}

// fail says what was attempted and gives err its class.
func fail(doing string, err error) error {
	err = fmt.Errorf("state: %s: %w", doing, err)
	var have *store.Error
	if errors.As(err, &have) || store.ClassOf(err) == store.Cancelled {
		return err
	}
	if isDamage(err) {
		return &store.Error{Class: store.Temporary, Err: err,
			Hint: "the state file is damaged and will be set aside; the next run compares both sides in full"}
	}
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked) {
		return &store.Error{Class: store.Temporary, Err: err,
			Hint: "another program has the state file open; close it"}
	}
	return store.Fail(store.Local, store.ScopeStore, err)
}

// The values of a column, whatever type SQLite found in it: another type than
// the one that was written is damage, found by the row's checksum.

func num(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}
