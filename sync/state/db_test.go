package state

import (
	"context"
	"testing"
)

func mustOpen(t testing.TB, path string, o Options) *DB {
	t.Helper()
	if o.Account == "" {
		o.Account = "work"
	}
	d, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func commit(t testing.TB, d *DB, changes ...Change) {
	t.Helper()
	if err := d.Commit(context.Background(), false, changes...); err != nil {
		t.Fatal(err)
	}
}
