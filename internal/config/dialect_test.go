package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	commentNote = ": what follows the semicolon is taken for a comment, as OfflineIMAP 7 took it // write the comment into a line of its own: OfflineIMAP 8 takes it for a part of the value"
	asText      = ": what looks like a comment at the end is part of the value // write the comment into a line of its own"
)

// What was written for OfflineIMAP 7 is read as it was, and told line by line;
// what may mean something else is left as it is.
func TestDialect(t *testing.T) {
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	user := func(c *Config) string { return c.Accounts[0].Remote.IMAP.User }
	pass := func(c *Config) string { return c.Accounts[0].Remote.IMAP.Password.Literal }
	filter := func(c *Config) string { return c.Accounts[0].Remote.FolderFilter.Source }
	for name, w := range map[string]struct {
		src, want string
		value     func(*Config) string
		is        string
	}{
		"only a comment makes sense of it": {with("account", "autorefresh = 5 ; minutes"), "warning 7: [Account A] autorefresh" + commentNote,
			func(c *Config) string { return c.Accounts[0].AutoRefresh.String() }, "5m0s"},
		"references": {strings.NewReplacer("accounts = A", "accounts = A ; mine", "= L", "= L ; here", "type = IMAP", "type = IMAP\t; there", "= h", "= h ; 10%").Replace(small),
			"warning 2: [general] accounts" + commentNote + "\nwarning 5: [Account A] localrepository" + commentNote +
				"\nwarning 13: [Repository R] type" + commentNote + "\nwarning 14: [Repository R] remotehost" + commentNote,
			func(c *Config) string { return c.Accounts[0].Remote.IMAP.Host }, "h"},
		"one character, a keyword, a file": {strings.Replace(with("local", "sep = / ; directories\ncustomflag_a = $Junk ; spam"), "#remote", "sslcacertfile = "+ca+" ; trusted", 1),
			"warning 11: [Repository L] sep" + commentNote + "\nwarning 12: [Repository L] customflag_a" + commentNote + "\nwarning 17: [Repository R] sslcacertfile" + commentNote,
			func(c *Config) string { return c.Accounts[0].Remote.IMAP.CACertFile }, ca},
		"in DEFAULT": {"[DEFAULT]\nmaxconnections = 2 ; few\n" + small, "warning 2: [DEFAULT] maxconnections" + commentNote,
			func(c *Config) string { return string(rune('0' + c.Accounts[0].Remote.IMAP.MaxConnections)) }, "2"},
		"Python": {with("remote", "folderfilter = lambda f: f in [ ; those\n  'a ;b',\n  ]"), "warning 16: [Repository R] folderfilter" + commentNote,
			filter, "lambda f: f in [\n'a ;b',\n]"},
		"no comment in Python": {with("remote", `folderfilter = lambda f: f != "a\" ;b" # ; c`), "", filter, `lambda f: f != "a\" ;b" # ; c`},
		"a text alone":         {strings.Replace(small, "= u", "= u ; me", 1), "warning 15: [Repository R] remoteuser" + asText, user, "u ; me"},
		"a password alone":     {with("remote", "remotepass = hunter2 ;x"), "", pass, "hunter2 ;x"},
		"a command alone": {with("remote", "transporttunnel = ssh h ; true"), "",
			func(c *Config) string { return c.Accounts[0].Remote.IMAP.TransportTunnel }, "ssh h ; true"},
		"a directory that is not there": {strings.Replace(small, "/m", dir+"/none ; x", 1), "warning 10: [Repository L] localfolders" + asText,
			func(c *Config) string { return c.Accounts[0].Local.Maildir.LocalFolders }, dir + "/none ; x"},
		"a directory that is there": {strings.Replace(small, "/m", dir+" ; x", 1), "warning 10: [Repository L] localfolders" + commentNote,
			func(c *Config) string { return c.Accounts[0].Local.Maildir.LocalFolders }, dir},
		// with one that is surely a comment, all are
		"a text beside": {strings.Replace(with("remote", "ssl = yes ; sure\nremotepass = hunter2 ;x"), "= u", "= u ; me", 1),
			"warning 15: [Repository R] remoteuser" + commentNote + "\nwarning 16: [Repository R] ssl" + commentNote + "\nwarning 17: [Repository R] remotepass" + commentNote, pass, "hunter2"},
		// but not with one that OfflineIMAP 8 never reads
		"beside what is not used": {with("remote", "remotepass = hunter2 ;x") + "[Account B]\nautorefresh = 5 ; x\nlocalrepository = L\nremoterepository = R\n",
			"warning 18: [Account B] autorefresh" + commentNote, pass, "hunter2 ;x"},
		"beside what has no effect": {with("general", "maxconnections = 2 ; x\n") + "remotepass = hunter2 ;x",
			"warning 3: [general] maxconnections: it has no effect in this section // it belongs in [Repository …] of type IMAP", pass, "hunter2 ;x"},
		// repeated
		"an option": {with("remote", "remoteuser = v ; w"), "warning 16: [Repository R] remoteuser" + commentNote +
			"\nwarning 16: [Repository R] remoteuser: written twice in this section, first in line 15: this one counts, as in OfflineIMAP 7 // remove line 15: OfflineIMAP 8 refuses such a file",
			user, "v"},
		"a section": {small + "[Repository R]\nremotepass = hunter2\nremoteuser = u\n",
			"warning 17: [Repository R] this section exists already, in line 12: both are read as one, as OfflineIMAP 7 read them // move its options there: OfflineIMAP 8 refuses such a file" +
				"\nwarning 19: [Repository R] remoteuser: written twice in this section, first in line 15: this one counts, as in OfflineIMAP 7 // remove line 15: OfflineIMAP 8 refuses such a file",
			pass, "hunter2"},
		"a section that is another's": {small + "[Repository R]\ntype = IMAP\nremotehost = other\n",
			"warning 17: [Repository R] this section exists already, in line 12: both are read as one, as OfflineIMAP 7 read them // move its options there: OfflineIMAP 8 refuses such a file" +
				"\nwarning 18: [Repository R] type: written twice in this section, first in line 13: this one counts, as in OfflineIMAP 7 // remove line 13: OfflineIMAP 8 refuses such a file" +
				"\nerror 19: [Repository R] remotehost: there are two sections of this name, and this option is not what it is in line 14 // give one of the sections another name, or remove one of the lines",
			nil, ""},
	} {
		c, problems := load(t, w.src)
		if got := strings.Join(said(problems), "\n"); got != w.want || strings.Contains(got, "hunter2") {
			t.Errorf("%s\n got %s\nwant %s", name, got, w.want)
		}
		if (c == nil) != (w.value == nil) {
			t.Errorf("%s: Config %v", name, c)
		} else if c != nil && (c.Accounts[0].Refused() || w.value(c) != w.is) {
			t.Errorf("%s: %q, refused %v; want %q", name, w.value(c), c.Accounts[0].Refused(), w.is)
		}
	}
}
