package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// foldersIn lists the Maildirs below a directory.
func foldersIn(t *testing.T, root string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(root, "*", "cur"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range dirs {
		out = append(out, filepath.Base(filepath.Dir(d)))
	}
	slices.Sort(out)
	return out
}

// What people write about names needs no Python: there is none in PATH, and both
// sides are in step. What does need it says so, once and in one line.
func TestExpressionsWithoutPython(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for i, f := range []string{"Lists/go", "Lists/old", "Spam", "Entw&APw-rfe", "[Gmail]/Sent Mail", "[Gmail]/All Mail", "Work/a b"} {
		m.Create(f)
		m.Append(f, body(i), time.Time{})
	}
	host, port, _ := strings.Cut(srv.Addr(), ":")
	t.Setenv("PATH", t.TempDir())
	t.Setenv("MAIL_USER", p.user)
	p.more = `remotehosteval = '` + host + `'
remoteporteval = int('` + port + `')
remoteusereval = os.environ['MAIL_USER']
remotepasseval = "` + p.pass + `"
nametrans = lambda f: {
    '[Gmail]/Sent Mail': 'sent',
  }.get(f, re.sub(r'^Lists/(.*)$', r'list-\1', f))
folderfilter = lambda f: (
    not re.search('^\\[Gmail\\]', f) and f not in ['Spam', 'Lists/old',
    ] # the rest is mine
  )
folderincludes = ['[Gmail]/Sent Mail']
`
	p.moreLocal = "nametrans = lambda f: '[Gmail]/Sent Mail' if f == 'sent' else re.sub('^list-', 'Lists/', f)"
	p.configure()
	if n := p.sync().Downloaded; n != 4 {
		t.Errorf("%d mails came", n)
	}
	if c := p.sync(); c.Any() {
		t.Errorf("a run with nothing to do did something: %+v", c)
	}
	if got, want := foldersIn(t, p.root()), []string{"Entw&APw-rfe", "INBOX", "Work.a b", "list-go", "sent"}; !slices.Equal(got, want) {
		t.Errorf("the folders are %q, want %q", got, want)
	}

	p.moreLocal = ""
	for _, bad := range []string{
		"folderfilter = lambda f: subprocess.call(['true']) == 0",
		"nametrans = lambda f: open('/etc/names').read()",
		"folderincludes = my_folders()",
	} {
		p.more = bad + "\n"
		p.configure()
		status, out, errs := p.run()
		text := out + errs
		if status != exitConfig || strings.Count(text, "python3 is not installed") != 1 || !strings.Contains(text, p.config()+":") {
			t.Errorf("%s: status %d: %s", bad, status, text)
		}
	}
}
