package localstatus

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mattn/go-sqlite3"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// newest is the version of the database that OfflineIMAP 8 writes.
const newest = 2

// readSQLite reads a status database. It is copied first: to read a database
// whose last transaction was interrupted, SQLite takes that transaction back,
// and so writes into it. An empty file is a database that was not begun.
func readSQLite(ctx context.Context, path string) (rows []mail.Entry, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "offlineimapd-")
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, "status")
	some, err := copyFile(copied, path)
	for _, suffix := range []string{"-journal", "-wal"} {
		if err == nil {
			_, err = copyFile(copied+suffix, path+suffix)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	if !some {
		return nil, nil
	}
	c, err := dial(copied)
	if err == nil {
		defer c.close()
		rows, err = c.status(ctx)
	}
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return rows, err
}

// conn is a connection without database/sql, whose pool has no use here.
type conn struct{ c *sqlite3.SQLiteConn }

func dial(path string) (conn, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{"mode": {"rw"}, "_busy_timeout": {"0"}}.Encode()}
	dc, err := (&sqlite3.SQLiteDriver{}).Open(u.String())
	if err != nil {
		return conn{}, err
	}
	c := conn{dc.(*sqlite3.SQLiteConn)}
	for _, sql := range []string{"PRAGMA mmap_size = 0", "PRAGMA cell_size_check = ON", "PRAGMA trusted_schema = OFF"} {
		if _, err := c.c.Exec(sql, nil); err != nil {
			c.close()
			return conn{}, err
		}
	}
	return c, nil
}

func (c conn) close() { _ = c.c.Close() } // a copy that was read

// each calls f with every row of an answer; its values are good during the call.
func (c conn) each(ctx context.Context, sql string, f func([]driver.Value) error) (err error) {
	rows, err := c.c.Query(sql, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	v := make([]driver.Value, len(rows.Columns()))
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := rows.Next(v); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
}

func (c conn) status(ctx context.Context) (rows []mail.Entry, err error) {
	if err := c.each(ctx, "PRAGMA integrity_check(1)", func(v []driver.Value) error {
		if text(v[0]) != "ok" {
			return fmt.Errorf("it is damaged: %s", text(v[0]))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	tables := map[string]bool{}
	if err := c.each(ctx, "SELECT name FROM sqlite_master WHERE type = 'table'", func(v []driver.Value) error {
		tables[text(v[0])] = true
		return nil
	}); err != nil {
		return nil, err
	}
	if !tables["metadata"] || !tables["status"] {
		return nil, nil // it was not begun, which is how OfflineIMAP reads it
	}
	version := 0
	if err := c.each(ctx, "SELECT value FROM metadata WHERE key = 'db_version'", func(v []driver.Value) (err error) {
		if version, err = strconv.Atoi(text(v[0])); err != nil {
			return fmt.Errorf("its version is %.20q", text(v[0]))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if version < 1 || version > newest {
		return nil, fmt.Errorf("it has version %d, and only 1 and %d are known", version, newest)
	}
	// The columns that version 2 added are not needed.
	err = c.each(ctx, "SELECT id, flags FROM status ORDER BY id", func(v []driver.Value) error {
		if id, ok := v[0].(int64); ok && id > 0 && id <= math.MaxUint32 {
			rows = append(rows, mail.Entry{UID: mail.UID(id), Flags: mail.ParseLetters(text(v[1]))})
		}
		return nil
	})
	return rows, err
}

// text returns what SQLite gave for a column of text; a number is none that
// OfflineIMAP writes, and NULL is empty.
func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}
