package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Options say how a state is opened.
type Options struct {
	// Account is the account's name. A file of another account is set aside.
	Account string
	// ReadOnly works on a private copy and never writes beside the original; a
	// file that does not exist is an empty state. Commit works, on the copy.
	ReadOnly bool
	// Step, where not nil, is called before ("commit") and after ("committed")
	// each transaction reaches the file, for tests that crash there.
	Step func(name string)
}

// DB is the open state of one account.
type DB struct {
	turn      chan struct{} // holds a token while nobody uses conn
	conn      *conn         // nil after Close
	path      string        // the file in use: the original or the copy
	private   string        // directory of the copy, "" for the original
	recovered string
	clean     bool // the file says that it was closed in order
	damaged   bool
	step      func(string)
}

// Open opens the state of an account, and creates it where there is none, its
// directory included. The caller holds the account's lock, without which two
// runs could disturb each other. A file that cannot be trusted is set aside;
// Recovered tells.
//
// A file of a newer version of this program is an error of class Config.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	d, err := open(ctx, path, o)
	if err != nil {
		return nil, fail(fmt.Sprintf("open %q", path), err)
	}
	return d, nil
}

func open(ctx context.Context, path string, o Options) (*DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	d := &DB{turn: make(chan struct{}, 1), path: path, step: o.Step}
	d.turn <- struct{}{}
	if d.step == nil {
		d.step = func(string) {}
	}
	if o.ReadOnly {
		if d.private, err = copyAway(ctx, path); err != nil {
			return nil, err
		}
		d.path = filepath.Join(d.private, filepath.Base(path))
	}
	err = d.start(ctx, path, o.Account)
	if err != nil {
		if d.private != "" {
			err = errors.Join(err, os.RemoveAll(d.private))
		}
		return nil, err
	}
	return d, nil
}

// start opens d.path, or begins anew where there is nothing to be trusted.
// original is what the path is called towards people.
func (d *DB) start(ctx context.Context, original, account string) error {
	err := d.load(ctx, account)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var what string
	switch {
	case errors.Is(err, os.ErrNotExist):
		// A WAL without its database is what is left when somebody removes the
		// database alone. A new one of the same name would be filled from it.
		if !exists(d.path + "-wal") {
			return d.create(ctx, account)
		}
		what = "only its write-ahead log is there"
	case isDamage(err):
		what = err.Error()
	default:
		return err
	}
	aside, err := setAside(d.path)
	if err != nil {
		return fmt.Errorf("set it aside because of damage (%s): %w", what, err)
	}
	if d.private != "" {
		d.recovered = fmt.Sprintf("the state file %s cannot be used (%s); a run sets it aside and compares both sides in full", original, what)
	} else {
		d.recovered = fmt.Sprintf("the state file %s could not be used (%s) and was set aside as %s; both sides are compared in full",
			original, what, aside)
	}
	return d.create(ctx, account)
}

// create makes an empty state and opens it.
func (d *DB) create(ctx context.Context, account string) error {
	if err := create(ctx, d.path, account); err != nil {
		return fmt.Errorf("create it: %w", err)
	}
	return d.load(ctx, account)
}

// load opens d.path and convinces itself that it is the account's.
func (d *DB) load(ctx context.Context, account string) (err error) {
	if err := checkFile(d.path); err != nil {
		return err
	}
	c, err := dial(d.path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := migrate(ctx, c, migrations); err != nil {
		return asDamage(err)
	}
	var name string
	rows := 0
	if err := c.each(ctx, "SELECT name, clean FROM account", nil, func(v []driver.Value) error {
		name, d.clean = string(blob(v[0])), num(v[1]) == 1
		rows++
		return nil
	}); err != nil {
		return asDamage(err)
	}
	if rows != 1 {
		return &damage{"it names no account"}
	}
	if name != account {
		return &damage{fmt.Sprintf("it belongs to the account %q, not %q", name, account)}
	}
	if !d.clean {
		if err := verify(ctx, c); err != nil {
			return asDamage(err)
		}
	}
	d.conn = c
	return nil
}

// Recovered tells what was wrong with a file that Open could not use and what
// became of it, as a sentence for people, or "".
func (d *DB) Recovered() string { return d.recovered }

// use waits for the connection and runs f with it.
func (d *DB) use(ctx context.Context, doing string, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return fail(doing, err)
	}
	select {
	case <-d.turn:
	case <-ctx.Done():
		return fail(doing, ctx.Err())
	}
	defer func() { d.turn <- struct{}{} }()
	if d.conn == nil {
		return fail(doing, os.ErrClosed)
	}
	if d.damaged {
		return fail(doing, &damage{"damage was found in it before"})
	}
	err := f(d.conn)
	if err == nil {
		return nil
	}
	d.damaged = isDamage(err)
	return fail(doing, err)
}

// Close marks the file as closed in order, writes its log back and closes it.
// A file in which damage was found is set aside, so that the next Open begins
// anew.
func (d *DB) Close() error {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	if d.conn == nil {
		return nil
	}
	var err error
	if !d.clean && !d.damaged {
		_, err = d.conn.exec("UPDATE account SET clean = 1")
	}
	err = errors.Join(err, d.conn.close())
	d.conn = nil
	switch {
	case d.private != "":
		err = errors.Join(err, os.RemoveAll(d.private))
	case d.damaged:
		_, aerr := setAside(d.path)
		err = errors.Join(err, aerr)
	}
	if err != nil {
		return fail("close "+d.path, err)
	}
	return nil
}

// checkFile refuses what SQLite should not open, and takes the rights to the
// file from everybody else.
func checkFile(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return store.Fail(store.Config, store.ScopeStore, errors.New("it is not a file"))
	}
	if fi.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, fi.Mode().Perm()&0o700); err != nil {
			return err
		}
	}
	return checkHeader(path)
}
