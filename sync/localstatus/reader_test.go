package localstatus_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/localstatus"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// metadata is OfflineIMAP's directory for an account A of repositories L and R.
type metadata struct {
	t   *testing.T
	dir string
}

func newMetadata(t *testing.T) metadata { return metadata{t, t.TempDir()} }

func (m metadata) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m metadata) write(name, content string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	m.must(os.MkdirAll(filepath.Dir(path), 0o700))
	m.must(os.WriteFile(path, []byte(content), 0o600))
}

// python runs a script with the file's path in sys.argv[1]: what made the
// database is not what reads it.
func (m metadata) python(name, script string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	m.must(os.MkdirAll(filepath.Dir(path), 0o700))
	out, err := exec.Command("python3", "-c", "import sqlite3, sys, os\npath = sys.argv[1]\n"+script, path).CombinedOutput()
	if err != nil {
		m.t.Fatalf("python3 (Debian package python3): %v\n%s", err, out)
	}
}

// sums are the checksums and times of all files.
func (m metadata) sums() string {
	var all strings.Builder
	m.must(filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [32]byte
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(b)
		}
		fmt.Fprintf(&all, "%s %v %v %x\n", path, info.Mode(), info.ModTime(), sum)
		return nil
	}))
	return all.String()
}

func (m metadata) options() localstatus.Options {
	return localstatus.Options{Metadata: m.dir, Account: "A", LocalRepository: "L", RemoteRepository: "R", Separator: '.'}
}

// inherit asks for a pair and makes sure that nothing was written.
func (m metadata) inherit(o localstatus.Options, p engine.FolderPair, others ...engine.FolderPair) (*engine.Inherited, error) {
	m.t.Helper()
	before := m.sums()
	h, err := localstatus.New(o).Inherit(context.Background(), p, append(others, p))
	if after := m.sums(); after != before {
		m.t.Errorf("the files were changed:\n%s\nwere\n%s", after, before)
	}
	return h, err
}

const (
	sqlite2 = `
c = sqlite3.connect(path)
c.executescript("""
CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50), mtime INTEGER, labels VARCHAR(256));
INSERT INTO metadata VALUES ('db_version', '2');
""")
`
	sqlite1 = `
c = sqlite3.connect(path)
c.executescript("""
CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50));
INSERT INTO metadata VALUES ('db_version', '1');
""")
`
	magic = "OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT "
)

func entries(s ...any) (es []mail.Entry) {
	for i := 0; i < len(s); i += 2 {
		es = append(es, mail.Entry{UID: mail.UID(s[i].(int)), Flags: mail.ParseLetters(s[i+1].(string))})
	}
	return es
}

var inbox = engine.FolderPair{Remote: "INBOX", Local: "INBOX"}

func TestRows(t *testing.T) {
	const sqlite, plain = "Account-A/LocalStatus-sqlite/INBOX", "Account-A/LocalStatus/INBOX"
	for _, tc := range []struct {
		name   string
		python string // makes the database
		plain  string
		want   []mail.Entry
		file   string
		fails  string
	}{
		{name: "nothing"},
		{name: "version 2", python: sqlite2 + `
c.execute("INSERT INTO status VALUES (1, 'S', 0, '')")
c.execute("INSERT INTO status VALUES (2, 'Fa', 0, '')")
c.execute("INSERT INTO status VALUES (4294967295, '', 1795393443, 'x, y')")
c.commit()`, want: entries(1, "S", 2, "Fa", 4294967295, ""), file: sqlite},
		{name: "version 1", python: sqlite1 + `
c.execute("INSERT INTO status VALUES (7, 'DFRST')")
c.commit()`, want: entries(7, "DFRST"), file: sqlite},
		{name: "labels and flags NULL", python: sqlite2 + `
c.execute("INSERT INTO status VALUES (3, 'R', 0, NULL)")
c.execute("INSERT INTO status VALUES (4, NULL, NULL, NULL)")
c.commit()`, want: entries(3, "R", 4, ""), file: sqlite},
		{name: "ids that are no UIDs", python: sqlite2 + `
for i in (-1, 0, 5, 4294967296):
    c.execute("INSERT INTO status VALUES (?, 'S', 0, '')", (i,))
c.commit()`, want: entries(5, "S"), file: sqlite},
		{name: "no rows", python: sqlite2},
		{name: "the database goes before the plain file", python: sqlite2 + `
c.execute("INSERT INTO status VALUES (1, 'S', 0, '')"); c.commit()`, plain: magic + "1\n2:F\n", want: entries(1, "S"), file: sqlite},
		{name: "a database without rows goes before the plain file", python: sqlite2, plain: magic + "1\n2:F\n"},
		{name: "zero octets", python: `open(path, "w").close()`},
		{name: "zero octets go before the plain file", python: `open(path, "w").close()`, plain: magic + "1\n2:F\n"},
		{name: "without tables", python: `sqlite3.connect(path).execute("CREATE TABLE x (y)")`},
		{name: "not a database", python: `open(path, "wb").write(b"hello " * 1000)`, fails: "LocalStatus-sqlite/INBOX cannot be read"},
		{name: "a directory", python: `os.mkdir(path)`, fails: "is no file"},
		{name: "a FIFO", python: `os.mkfifo(path)`, fails: "is no file"},
		{name: "newer", python: sqlite2 + `
c.execute("UPDATE metadata SET value = '3'"); c.execute("INSERT INTO status VALUES (1, 'S', 0, '')"); c.commit()`, fails: "version 3"},
		{name: "a version that is none", python: sqlite2 + `
c.execute("UPDATE metadata SET value = 'x'"); c.commit()`, fails: "its version is \"x\""},
		{name: "cut off", python: sqlite2 + `
for i in range(1, 2000):
    c.execute("INSERT INTO status VALUES (?, 'S', 0, '')", (i,))
c.commit(); c.close()
os.truncate(path, os.path.getsize(path) // 2)`, fails: "LocalStatus-sqlite/INBOX cannot be read"},
		// A transaction was written into the database, but not ended: its pages are
		// beside it, and the rows are those before it.
		{name: "a journal is beside it", python: sqlite2 + `
for i in range(1, 400):
    c.execute("INSERT INTO status VALUES (?, 'S', 0, '')", (i,))
c.commit()
c.execute("PRAGMA cache_size = 1")
c.execute("BEGIN")
c.execute("DELETE FROM status WHERE id > 2")
c.execute("UPDATE status SET flags = 'T'")
sys.stdout.flush()
c.execute("PRAGMA cache_spill = 1")
for i in range(5000, 9000):
    c.execute("INSERT INTO status VALUES (?, 'F', 0, 'a long label to fill pages')", (i,))
assert os.path.getsize(path + "-journal") > 512
os._exit(0)`, want: func() (es []mail.Entry) {
			for i := 1; i < 400; i++ {
				es = append(es, mail.Entry{UID: mail.UID(i), Flags: mail.Seen})
			}
			return es
		}(), file: sqlite},

		{name: "format 1", plain: magic + "1\n10:FS\n2:\n3:a\n", want: entries(2, "", 3, "a", 10, "FS"), file: plain},
		{name: "format 2", plain: magic + "2\n1|S|1500000000|a, b\n2||0|\n3|DR|0|with|bar\n", want: entries(1, "S", 2, "", 3, "DR"), file: plain},
		{name: "line ends of another system", plain: magic + "1\r\n1:S\r\n", want: entries(1, "S"), file: plain},
		{name: "the last of two counts", plain: magic + "1\n1:S\n1:F\n", want: entries(1, "F"), file: plain},
		{name: "cut off in a line", plain: magic + "1\n1:S\n23", want: entries(1, "S"), file: plain},
		{name: "cut off in the flags", plain: magic + "1\n1:S\n2:F", want: entries(1, "S"), file: plain},
		{name: "no mail", plain: magic + "1\n"},
		{name: "empty", plain: "", python: "", fails: "is empty"},
		{name: "cut off in the first line", plain: magic + "1", fails: "ends in its first line"},
		{name: "another first line", plain: "hello\n1:S\n", fails: "its first line is another"},
		{name: "format 3", plain: magic + "3\n1:S\n", fails: "format \"3\""},
		{name: "no UID", plain: magic + "1\nx:S\n", fails: "LocalStatus/INBOX, line 2: \"x\" is no UID"},
		{name: "too large a UID", plain: magic + "1\n1:S\n4294967296:S\n", fails: "line 3"},
		{name: "negative", plain: magic + "1\n-1:S\n", fails: "line 2"},
		{name: "format 1 in format 2", plain: magic + "2\n1:S\n", fails: "line 2: it is no record"},
		{name: "format 2 in format 1", plain: magic + "1\n1|S|0|\n", fails: "line 2: it is no record"},
		{name: "binary", plain: magic + "1\n\x00\x01\x02\n", fails: "line 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMetadata(t)
			m.write("Repository-L/FolderValidity/INBOX", "42\n")
			m.write("Repository-R/FolderValidity/INBOX", "1795393440\n")
			if tc.python != "" {
				m.python(sqlite, tc.python)
			}
			if tc.plain != "" || tc.name == "empty" {
				m.write(plain, tc.plain)
			}
			h, err := m.inherit(m.options(), inbox)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("error %v, want %q", err, tc.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == nil {
				if h != nil {
					t.Fatalf("%+v, want nothing", h)
				}
				return
			}
			want := &engine.Inherited{File: filepath.Join(m.dir, tc.file), UIDValidity: 1795393440, Rows: tc.want}
			if !reflect.DeepEqual(h, want) {
				t.Errorf("got  %+v\nwant %+v", h, want)
			}
		})
	}
}

func TestValidity(t *testing.T) {
	for _, tc := range []struct {
		name, local, remote string
		want                uint32
		fails               string
	}{
		{"as written", "42\n", "7\n", 7, ""},
		{"only the first line counts", "42\nx\n", "7\ny\n", 7, ""},
		{"without an end of line", "42", "7", 7, ""},
		{"the largest", "42\n", "4294967295\n", 4294967295, ""},
		{"the local one is missing", "", "7\n", 7, ""},
		{"the remote one is missing", "42\n", "", 0, "UIDVALIDITY is not known"},
		{"the local folder was on a server", "8\n", "7\n", 0, "was no Maildir"},
		{"no number", "42\n", "x\n", 0, "holds no UIDVALIDITY"},
		{"zero", "42\n", "0\n", 0, "holds no UIDVALIDITY"},
		{"no local number", "x\n", "7\n", 0, "holds no UIDVALIDITY"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMetadata(t)
			m.write("Account-A/LocalStatus/INBOX", magic+"1\n1:S\n")
			if tc.local != "" {
				m.write("Repository-L/FolderValidity/INBOX", tc.local)
			}
			if tc.remote != "" {
				m.write("Repository-R/FolderValidity/INBOX", tc.remote)
			}
			h, err := m.inherit(m.options(), inbox)
			switch {
			case tc.fails != "":
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("error %v, want %q", err, tc.fails)
				}
			case err != nil || h.UIDValidity != tc.want:
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
}

// The names of the files are those that OfflineIMAP makes of the folders.
func TestNames(t *testing.T) {
	for _, tc := range []struct {
		pair             engine.FolderPair
		sep              byte
		utf8             bool
		status, validity string
	}{
		{engine.FolderPair{Remote: "Lists/foo", Local: "Lists.foo"}, '.', false, "Lists.foo", "Lists.foo"},
		{engine.FolderPair{Remote: "Lists/foo", Local: "Lists/foo"}, '/', false, "Lists.foo", "Lists.foo"},
		{engine.FolderPair{Remote: "INBOX.Sent", Local: "INBOX/Sent"}, '/', false, "INBOX.Sent", "INBOX.Sent"},
		{engine.FolderPair{Remote: "INBOX", Local: ""}, '.', false, "dot", "INBOX"},
		{engine.FolderPair{Remote: "INBOX.Sent", Local: ".Sent"}, '.', false, ".Sent", "INBOX.Sent"},
		{engine.FolderPair{Remote: "[Gmail]/All Mail", Local: "archive"}, '.', false, "archive", "[Gmail].All Mail"},
		{engine.FolderPair{Remote: "G&AOQ-ste", Local: "G&AOQ-ste"}, '.', false, "G&AOQ-ste", "G&AOQ-ste"},
		{engine.FolderPair{Remote: "G&AOQ-ste", Local: "Gäste"}, '.', true, "Gäste", "Gäste"},
	} {
		t.Run(fmt.Sprint(tc.pair), func(t *testing.T) {
			m := newMetadata(t)
			m.write("Account-A/LocalStatus/"+tc.status, magic+"1\n1:S\n")
			m.write("Repository-R/FolderValidity/"+tc.validity, "5\n")
			o := m.options()
			o.Separator, o.UTF8 = tc.sep, tc.utf8
			if h, err := m.inherit(o, tc.pair, engine.FolderPair{Remote: "another", Local: "another"}); err != nil || h == nil || h.UIDValidity != 5 {
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
	for in, want := range map[string]string{"a/b": "a.b", "": "dot", "Gäste": "Gäste", ".": "dot", "/": "dot", "a/": "a.", "../x": "...x"} {
		if got := localstatus.FileName(in); got != want {
			t.Errorf("the file of %q is %q, want %q", in, got, want)
		}
	}
}

// A record that two folders of the account share is no one's.
func TestShared(t *testing.T) {
	slash := engine.FolderPair{Remote: "a/b", Local: "a/b"}
	for name, other := range map[string]engine.FolderPair{
		"status file":   {Remote: "x", Local: "a.b"},
		"validity file": {Remote: "a.b", Local: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMetadata(t)
			m.write("Account-A/LocalStatus/a.b", magic+"1\n1:S\n")
			m.write("Repository-R/FolderValidity/a.b", "5\n")
			o := m.options()
			o.Separator = '/'
			if h, err := m.inherit(o, slash, other); err == nil || h != nil {
				t.Errorf("%+v, %v", h, err)
			}
			if h, err := m.inherit(o, slash); err != nil || h == nil {
				t.Errorf("alone: %+v, %v", h, err)
			}
		})
	}
}

// Names of accounts and repositories lead nowhere else.
func TestNoEscape(t *testing.T) {
	m := newMetadata(t)
	m.write("secret/LocalStatus/INBOX", magic+"1\n1:S\n")
	o := m.options()
	o.Account = "x/../../secret"
	if h, err := m.inherit(o, inbox); err != nil || h != nil {
		t.Errorf("%+v, %v", h, err)
	}
}

// A file that may not be read is an error, not an absence.
func TestForbidden(t *testing.T) {
	m := newMetadata(t)
	m.write("Account-A/LocalStatus/INBOX", magic+"1\n1:S\n")
	m.write("Repository-R/FolderValidity/INBOX", "5\n")
	m.must(os.Symlink("INBOX", filepath.Join(m.dir, "Account-A/LocalStatus/loop")))
	m.must(os.Remove(filepath.Join(m.dir, "Account-A/LocalStatus/INBOX")))
	m.must(os.Symlink("loop", filepath.Join(m.dir, "Account-A/LocalStatus/INBOX")))
	if _, err := localstatus.New(m.options()).Inherit(context.Background(), inbox, nil); err == nil || !bytes.Contains([]byte(err.Error()), []byte(syscall.ELOOP.Error())) {
		t.Errorf("error %v", err)
	}
}
