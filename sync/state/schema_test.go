package state

import (
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func version(t *testing.T, c *conn) (n int64) {
	t.Helper()
	if err := c.each(t.Context(), "PRAGMA user_version", nil, func(v []driver.Value) error {
		n = num(v[0])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	b, want := sample(t)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(len(migrations))
	good := append(slices.Clone(migrations), "CREATE TABLE one (a)", "INSERT INTO one VALUES (7); ALTER TABLE one ADD COLUMN b DEFAULT 8")
	bad := append(slices.Clone(good), "CREATE TABLE three (a); INSERT INTO nowhere VALUES (1)")
	if err := migrate(t.Context(), c, bad); err == nil || version(t, c) != now {
		t.Fatalf("a migration that failed: version %d, %v", version(t, c), err)
	}
	for range 2 { // the second time there is nothing to do
		if err := migrate(t.Context(), c, good); err != nil || version(t, c) != now+2 {
			t.Fatalf("version %d, %v", version(t, c), err)
		}
	}
	rows := 0
	if err := c.each(t.Context(), "SELECT a, b FROM one", nil, func(v []driver.Value) error {
		rows++
		if num(v[0]) != 7 || num(v[1]) != 8 {
			t.Errorf("%v", v)
		}
		return nil
	}); err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if _, err := c.exec(fmt.Sprintf("PRAGMA user_version = %d", now)); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, path, Options{})
	defer mustClose(t, d)
	same(t, want, read(t, d))
}
