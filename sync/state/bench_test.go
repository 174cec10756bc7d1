package state

import (
	"path/filepath"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// large is a mailbox of 200,000 mails as they come to be: most of them read,
// some gone, some with keywords.
func large() []mail.Entry {
	rows := make([]mail.Entry, 0, 200_000)
	for u := mail.UID(1); len(rows) < cap(rows); u++ {
		switch {
		case u%7 == 0:
		case u%31 == 0:
			rows = append(rows, mail.Entry{UID: u, Flags: mail.Seen | mail.Letter('a')})
		case u%11 == 0:
			rows = append(rows, mail.Entry{UID: u})
		default:
			rows = append(rows, mail.Entry{UID: u, Flags: mail.Seen})
		}
	}
	return rows
}

func largeDB(b *testing.B) (*DB, int64) {
	d := mustOpen(b, filepath.Join(b.TempDir(), "x.db"), Options{})
	b.Cleanup(func() { d.Close() })
	f := Folder{Remote: "INBOX", Local: "INBOX"}
	commit(b, d, AddFolder{&f})
	commit(b, d, PutRows{f.ID, large()})
	return d, f.ID
}

func BenchmarkPut200000(b *testing.B) {
	rows := large()
	for b.Loop() {
		d := mustOpen(b, filepath.Join(b.TempDir(), "x.db"), Options{})
		f := Folder{Remote: "INBOX", Local: "INBOX"}
		commit(b, d, AddFolder{&f})
		commit(b, d, PutRows{f.ID, rows})
		d.Close()
	}
}

func BenchmarkRows200000(b *testing.B) {
	d, f := largeDB(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Rows(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTally200000(b *testing.B) {
	d, f := largeDB(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Tally(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupOne(b *testing.B) {
	d, f := largeDB(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Lookup(b.Context(), f, mail.SetOf(100_000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutOne(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(map[bool]string{false: "normal", true: "durable"}[durable], func(b *testing.B) {
			d, f := largeDB(b)
			b.ReportAllocs()
			u := mail.UID(1)
			for b.Loop() {
				u = u*7919%200_000 + 1
				if err := d.Commit(b.Context(), durable, PutRows{f, []mail.Entry{{UID: u, Flags: mail.Flags(u)}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenClose(b *testing.B) {
	d, _ := largeDB(b)
	d.Close()
	for b.Loop() {
		mustOpen(b, d.path, Options{}).Close()
	}
}

func BenchmarkOpenUnclean(b *testing.B) {
	d, _ := largeDB(b)
	d.Close()
	for b.Loop() {
		c, err := dial(d.path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.exec("UPDATE account SET clean = 0"); err != nil {
			b.Fatal(err)
		}
		c.close()
		mustOpen(b, d.path, Options{}).Close()
	}
}
