package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// small is a configuration without any problem; %s-like parts are put in by with.
const small = `[general]
accounts = A
#general
[Account A]
localrepository = L
remoterepository = R
#account
[Repository L]
type = Maildir
localfolders = /m
#local
[Repository R]
type = IMAP
remotehost = h
remoteuser = u
#remote
`

// with puts lines in place of a mark of small.
func with(mark, lines string) string {
	return strings.Replace(small, "#"+mark+"\n", lines+"\n", 1)
}

func load(t *testing.T, src string) (*Config, []Problem) {
	t.Helper()
	t.Setenv("HOME", "/home/me")
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems, err := Load(path)
	if (c == nil) != (err != nil) {
		t.Fatalf("Config %v with error %v", c, err)
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.File != path || p.Text == "" {
			t.Errorf("a problem without file or text: %+v", p)
		}
	}
	return c, problems
}

// said returns the problems without the name of the file.
func said(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		s := strings.TrimPrefix(p.String(), p.File+":")
		if p.Hint != "" {
			s += " // " + p.Hint
		}
		out = append(out, p.Severity.String()+" "+s)
	}
	return out
}

func TestDefaults(t *testing.T) {
	c, problems := load(t, small)
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	want := General{Accounts: []string{"A"}, Metadata: "/home/me/.offlineimap", MaxSyncAccounts: 1, Fsync: true, UI: "ttyui"}
	if !reflect.DeepEqual(c.General, want) {
		t.Errorf("general %+v, want %+v", c.General, want)
	}
	a := c.Account("A")
	if a == nil || a.Refused() || a.AutoRefresh != 0 {
		t.Fatalf("account %+v", a)
	}
	if want := (Repository{Name: "L", Type: "Maildir", CreateFolders: true, SyncDeletes: true,
		Maildir: &Maildir{LocalFolders: "/m", Sep: '.', CustomFlags: map[byte]string{}}}); !reflect.DeepEqual(*a.Local, want) {
		t.Errorf("local %+v, want %+v", *a.Local, want)
	}
	if want := (Repository{Name: "R", Type: "IMAP", CreateFolders: true, SyncDeletes: true, IMAP: &IMAP{
		Host: "h", Port: 993, User: "u", SSL: true, StartTLS: true, TLSLevel: "tls_compat", MaxConnections: 4, Expunge: true,
		AuthMechanisms: []string{"GSSAPI", "XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN"}}}); !reflect.DeepEqual(*a.Remote, want) {
		t.Errorf("remote %+v, want %+v", *a.Remote.IMAP, *want.IMAP)
	}
}

// Everything that is used, with a value that is not its default.
func TestEverything(t *testing.T) {
	t.Setenv("MAILROOT", "/var/mail")
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := load(t, `[DEFAULT]
sslcacertfile = OS-DEFAULT
who = me
[general]
accounts = A , B,C
metadata = ~/meta
maxsyncaccounts = 3
socktimeout = 1_0
fsync = no
dry-run = on
ignore-readonly = TRUE
ui = Basic
[Account A]
localrepository = L
remoterepository = R
autorefresh = 0.5
maildir-windows-compatible = yes
[Account B]
localrepository = LB
remoterepository = G
[Account C]
localrepository = LC
remoterepository = T
[Repository L]
type = Maildir
localfolders = ${MAILROOT}/%(who)s$
sep = /
readonly = yes
sync_deletes = no
customflag_a = $Junk
customflag_Z = Work
[Repository LB]
type = GmailMaildir
localfolders = $MAILROOT/B
[Repository LC]
type = Maildir
localfolders = ~/C
createfolders = no
[Repository R]
type = IMAP
remotehost = imap.example.org
remoteport = 1143
remoteuser = %(who)s
remotepass = s%%cret
ssl = no
starttls = no
sslclientcert = `+cert+`
sslclientkey = `+cert+`
cert_fingerprint = AA:BB`+strings.Repeat("cc", 18)+`, `+strings.Repeat("01", 32)+`
ssl_version = tls1_2
tls_level = tls_secure
auth_mechanisms = plain,LOGIN
ipv6 = no
reference = "Mail"
subscribedonly = yes
usecompression = yes
maxconnections = 2
expunge = no
[Repository G]
type = Gmail
remoteuser = %(who)s@gmail.com
remotepassfile = ~/pw$MAILROOT
[Repository T]
type = IMAP
transporttunnel = ssh -q host '/usr/bin/imapd ; true'
ssl = no
ipv6 = yes
`)
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	if want := (General{Accounts: []string{"A", "B", "C"}, Metadata: "/home/me/meta", MaxSyncAccounts: 3, MaxSyncAsked: true, SockTimeout: 10 * time.Second, UI: "basic",
		DryRun: true, IgnoreReadonly: true}); !reflect.DeepEqual(c.General, want) {
		t.Errorf("general %+v, want %+v", c.General, want)
	}
	a, b, tunnel := c.Account("A"), c.Account("B"), c.Account("C")
	if a.AutoRefresh != 30*time.Second {
		t.Errorf("autorefresh %v", a.AutoRefresh)
	}
	if want := (Maildir{LocalFolders: "/var/mail/me$", Sep: '/', WindowsCompatible: true, CustomFlags: map[byte]string{'a': "$Junk", 'z': "Work"}}); !reflect.DeepEqual(*a.Local.Maildir, want) {
		t.Errorf("A local %+v, want %+v", *a.Local.Maildir, want)
	}
	if !a.Local.ReadOnly || a.Local.CreateFolders || a.Local.SyncDeletes {
		t.Errorf("A local %+v", *a.Local)
	}
	no := false
	if want := (IMAP{Host: "imap.example.org", Port: 1143, User: "me", Password: Secret{Literal: "s%cret"}, CACertFile: SystemRoots,
		CertFingerprints: []string{"aabb" + strings.Repeat("cc", 18), strings.Repeat("01", 32)}, ClientCert: cert, ClientKey: cert,
		SSLVersion: "tls1_2", TLSLevel: "tls_secure", AuthMechanisms: []string{"PLAIN", "LOGIN"}, IPv6: &no, Reference: "Mail",
		SubscribedOnly: true, UseCompression: true, MaxConnections: 2}); !reflect.DeepEqual(*a.Remote.IMAP, want) {
		t.Errorf("A remote %+v, want %+v", *a.Remote.IMAP, want)
	}
	if b.Local.Maildir.LocalFolders != "/var/mail/B" || b.Remote.Type != "Gmail" || b.Remote.IMAP.Host != "imap.gmail.com" || b.Remote.IMAP.Port != 993 ||
		b.Remote.IMAP.User != "me@gmail.com" || b.Remote.IMAP.Password != (Secret{File: "/home/me/pw$MAILROOT"}) {
		t.Errorf("B %+v %+v", *b.Local.Maildir, *b.Remote.IMAP)
	}
	if i := tunnel.Remote.IMAP; i.TransportTunnel != "ssh -q host '/usr/bin/imapd ; true'" || i.Port != 143 || i.Host != "" || !*i.IPv6 || tunnel.Local.CreateFolders {
		t.Errorf("C %+v", *i)
	}
}

// Each case says everything about the file, and whether account A is refused,
// or the whole file ("all").
func TestProblems(t *testing.T) {
	ok, refused, all := "ok", "refused", "all"
	for _, w := range []struct{ src, fate, want string }{
		// ignored without harm
		{with("general", "ui = basic"), ok, ""},
		{with("account", "quick = 10"), ok, ""},
		{with("account", "presynchook = x ; y"), ok, ""},
		{with("remote", "idlefolders = ['INBOX']"), ok, "warning 16: [Repository R] idlefolders: not used yet: no folder is watched between runs"},
		{with("remote", "newmail_hook = lambda: 1"), ok, ""},
		{"[DEFAULT]\nkeepalive = 60\n" + small, ok, "warning 2: [DEFAULT] keepalive: not used yet: no connection outlives a run"},
		// the same values as without
		{with("account", "quick = 0\nsynclabels = No\nproxy =\nfilterheaders =\nutf8foldernames = off\nlabelsheader = X\nauthproxy ="), ok, ""},
		{with("remote", "idlefolders = [ ]\nkeepalive = 00\nretrycount = 2\nholdconnectionopen = 0\ndecodefoldernames = false\ndynamic_folderfilter = no"), ok, ""},
		{small + "[mbnames]\nenabled = no\nheader = 'x %%'\nperitem = %(accountname)s\n", ok, ""},
		// refused for what would happen
		{with("remote", "nametrans = lambda f: f"), ok, ""},
		{with("local", "nametrans = lambda f: f"), ok, ""},
		{with("remote", "folderfilter = lambda f: f in [\n  'a',\n  ]"), ok, ""},
		{with("account", "synclabels = yes"), refused, `error 7: [Account A] synclabels: refusing account "A": synclabels is not supported yet, and without it labels would be lost on the way`},
		{with("account", "synclabels = maybe"), refused, `error 7: [Account A] synclabels: refusing account "A": synclabels is not supported yet, and without it labels would be lost on the way`},
		{with("account", "proxy = SOCKS5:h:1"), ok, ""},
		{with("account", "proxy = SOCKS5:h"), refused, `error 7: [Account A] proxy: "SOCKS5:h" is no proxy // write TYPE:HOST:PORT, such as SOCKS5:localhost:1080`},
		{with("account", "proxy = TOR:h:1"), refused, `error 7: [Account A] proxy: "TOR" is no type of a proxy // write one of SOCKS5, SOCKS4, HTTP`},
		{with("account", "authproxy = HTTP:[::1]:0"), refused, `error 7: [Account A] authproxy: "HTTP:[::1]:0" is no proxy // write TYPE:HOST:PORT, such as SOCKS5:localhost:1080`},
		{with("remote", "remotepasseval = get('x')"), ok, ""},
		{with("remote", "oauth2_refresh_token = hunter2"), ok, `warning 16: [Repository R] oauth2_refresh_token: it is not used, for there is no oauth2_request_url to use it at // write oauth2_request_url = https://…, which the provider names`},
		{with("remote", "oauth2_refresh_token = hunter2\noauth2_request_url = http://example.org/"), refused, `error 17: [Repository R] oauth2_request_url: "http://example.org/" is not an address that begins with https://`},
		{"[DEFAULT]\nproxy = HTTP:h\n" + small, refused, `error 2: [DEFAULT] proxy: "HTTP:h" is no proxy // write TYPE:HOST:PORT, such as SOCKS5:localhost:1080`},
		{strings.Replace(small, "type = Maildir\nlocalfolders = /m", "type = IMAP\nremotehost = i\nremoteuser = u", 1), ok, ""},
		{strings.Replace(small, "type = Maildir\nlocalfolders = /m", "type = IMAP\nremotehost = i\nexpunge = no", 1), refused,
			`error 11: [Repository L] expunge: in a local repository it would leave what was removed on the server here, where it would look new // remove the line`},
		{strings.Replace(with("account", "maxage = 3"), "type = Maildir\nlocalfolders = /m", "type = IMAP\nremotehost = i", 1), refused,
			`error 7: [Account A] maxage: it needs a local repository of type Maildir // remove it, or write a startdate into one of the repositories`},
		{strings.Replace(small, "type = Maildir\nlocalfolders = /m", "type = Gmail", 1), refused, `error 5: [Account A] localrepository: a local repository must be of type Maildir or IMAP, not Gmail // write type = IMAP`},
		{with("remote", "auth_mechanisms = XOAUTH2, GSSAPI"), refused, `warning 16: [Repository R] auth_mechanisms: XOAUTH2 is not used, for there is no token // write oauth2_access_token_eval, or oauth2_refresh_token and what goes with it
warning 16: [Repository R] auth_mechanisms: GSSAPI is not used yet: the others of the list are
error 16: [Repository R] auth_mechanisms: refusing account "A": none of these mechanisms can be used // add PLAIN, or remove the line`},
		// unknown, misplaced, obsolete
		{with("remote", "remotehots = h"), ok, `warning 16: [Repository R] remotehots: unknown option // did you mean remotehost?`},
		{with("remote", "xyzzy = h"), ok, `warning 16: [Repository R] xyzzy: unknown option`},
		{with("account", "sync-deletes = no"), ok, `warning 7: [Account A] sync-deletes: unknown option // did you mean sync_deletes? It belongs in [Repository …]`},
		{with("general", "maxconnections = 3"), ok, `warning 3: [general] maxconnections: it has no effect in this section // it belongs in [Repository …] of type IMAP`},
		{with("remote", "maxage = 3"), ok, `warning 16: [Repository R] maxage: it has no effect in this section // it belongs in [Account …]`},
		{with("local", "subscribedonly = yes"), ok, `warning 11: [Repository L] subscribedonly: it has no effect in a repository of type Maildir // it belongs in [Repository …] of type IMAP`},
		{with("local", "foldersort = x"), ok, `warning 11: [Repository L] foldersort: it has no effect in a repository of type Maildir // it belongs in [Repository …] of type IMAP`},
		{with("account", "status_backend = sqlite"), ok, `warning 7: [Account A] status_backend: obsolete: it has no effect // remove it: the state is always kept in SQLite`},
		{with("general", "sockettimeout = 60"), ok, `warning 3: [general] sockettimeout: obsolete: it has no effect // write socktimeout`},
		{with("remote", "startssl = yes"), ok, `warning 16: [Repository R] startssl: obsolete: it has no effect // write starttls`},
		{small + "[ui.Curses.Blinkenlights]\nstatuschar = .\n", ok, `warning 17: [ui.Curses.Blinkenlights] obsolete: the section has no effect // remove it`},
		{small + "[Acount B]\nx = y\n", ok, `warning 17: [Acount B] unknown section: nothing in it has an effect // did you mean [Account B]?`},
		{small + "[account B]\n", ok, `warning 17: [account B] unknown section: nothing in it has an effect // did you mean [Account B]?`},
		{small + "[General]\n", ok, `warning 17: [General] unknown section: nothing in it has an effect // did you mean [general]?`},
		{small + "[Account ]\n", ok, `warning 17: [Account ] the section has no name // write [Account NAME]`},
		// variables of one's own are no unknown options
		{with("remote", "site = x\nreference = %(site)s"), ok, ""},
		{"[DEFAULT]\nsite = x\n" + with("remote", "reference = %(site)s"), ok, ""},
		{"[DEFAULT]\nreference = %(site)s\n" + with("remote", "site = x"), ok, ""},
		{with("general", "site = x\n") + "reference = %(site)s\n", refused, `warning 3: [general] site: unknown option
error 18: [Repository R] reference: refers to %(site)s, but there is no such option in this section or in [DEFAULT] // a literal percent sign is written %%`},
		// what looks otherwise than it is
		{with("account", "autorefresh = 5 # minutes"), refused, `error 7: [Account A] autorefresh: "5 # minutes" is not a number of minutes // a comment must have a line of its own`},
		{strings.Replace(small, "remotehost = h\nremoteuser", "remotehost = h\n remoteuser", 1), refused,
			`error 14: [Repository R] remotehost: "h\nremoteuser = u" is not the name of a server // write only the name of the server
warning 15: [Repository R] remotehost: this line looks like the option remoteuser, but is part of the value of remotehost, for it is indented more // indent it as line 14`},
		{strings.Replace(small, "remoteuser = u", "remoteuser = u # me", 1), ok, `warning 15: [Repository R] remoteuser: what looks like a comment at the end is part of the value // write the comment into a line of its own`},
		{with("remote", `remotepass = "hunter2"`), ok, `warning 16: [Repository R] remotepass: the quotation marks around it are part of the password // remove them if they are not meant to be`},
		// values
		{with("remote", "ssl = maybe"), refused, `error 16: [Repository R] ssl: "maybe" is neither yes nor no // write yes or no`},
		{with("remote", "ssl ="), refused, `error 16: [Repository R] ssl: "" is neither yes nor no // write yes or no`},
		{with("remote", "remoteport = 99999"), refused, `error 16: [Repository R] remoteport: 99999 is not between 1 and 65535 // write one between, or remove the line`},
		{with("remote", "maxconnections = 0"), refused, `error 16: [Repository R] maxconnections: 0 is not between 1 and 1000 // write one between, or remove the line`},
		{with("remote", "maxconnections = two"), refused, `error 16: [Repository R] maxconnections: "two" is not a whole number // write it in digits`},
		{with("account", "autorefresh = -1"), ok, `warning 7: [Account A] autorefresh: it is negative, and taken for 0`},
		{with("account", "autorefresh = nan"), refused, `error 7: [Account A] autorefresh: "nan" is not a number of minutes`},
		{with("local", `sep = "/"`), refused, `error 11: [Repository L] sep: "\"/\"" is not one character // write it without quotation marks`},
		{with("local", "customflag_a = two words"), refused, `error 11: [Repository L] customflag_a: the keyword "two words" holds ' ', which no IMAP keyword may`},
		{with("local", "customflag_a = X\ncustomflag_b = x"), refused, `error 12: [Repository L] customflag_b: the keyword "x" has the letter a already // remove one of them`},
		{with("remote", "cert_fingerprint = abc"), refused, `error 16: [Repository R] cert_fingerprint: "abc" has 3 digits, where SHA-1 has 40, SHA-256 64 and SHA-512 128`},
		{with("remote", "ssl_version = ssl3"), refused, `error 16: [Repository R] ssl_version: SSL 3 protects nothing and is not spoken // remove the line`},
		{with("remote", "tls_level = high"), refused, `error 16: [Repository R] tls_level: "high" is none of tls_compat, tls_no_ssl, tls_secure`},
		{with("remote", "auth_mechanisms = PLAIN, LOGN"), refused, `error 16: [Repository R] auth_mechanisms: unknown mechanism "LOGN" // did you mean "LOGIN"?`},
		{with("remote", "sslcacertfile = /nowhere/ca.pem"), refused, `error 16: [Repository R] sslcacertfile: stat /nowhere/ca.pem: no such file or directory // correct the path, or write sslcacertfile = OS-DEFAULT for the certificates that the system trusts`},
		{with("remote", "preauthtunnel = a\ntransporttunnel = b"), refused, `error 16: [Repository R] preauthtunnel: preauthtunnel and transporttunnel exclude each other // remove one of them`},
		{strings.Replace(small, "remotehost = h\n", "", 1), refused, `error 12: [Repository R] remotehost: the repository does not say which server to call // write remotehost = NAME`},
		{strings.Replace(small, "remotehost = h\n", "remotehost = h:993\n", 1), refused, `error 14: [Repository R] remotehost: "h:993" is not only the name of a server // write the port as remoteport`},
		{strings.Replace(small, "remotehost = h\n", "remotehosteval = x()\n", 1), ok, ""},
		{strings.Replace(small, "localfolders = /m\n", "", 1), refused, `error 8: [Repository L] localfolders: the Maildir repository does not say where its folders are // write localfolders = DIRECTORY`},
		{strings.Replace(small, "/m", "$NO_SUCH_VARIABLE/m", 1), refused, `error 10: [Repository L] localfolders: the variable NO_SUCH_VARIABLE is not set // set it, or write the whole path
warning 10: [Repository L] localfolders: a relative path: here and now it means WD/$NO_SUCH_VARIABLE/m // write the whole path, or begin it with ~/`},
		{strings.Replace(small, "/m", "~nosuchuser/m", 1), refused, `error 10: [Repository L] localfolders: there is no user nosuchuser // write the whole path`},
		{strings.Replace(small, "/m", "Mail", 1), ok, `warning 10: [Repository L] localfolders: a relative path: here and now it means WD/Mail // write the whole path, or begin it with ~/`},
		// names
		{strings.Replace(small, "localrepository = L", "localrepository = LL", 1), refused, `error 5: [Account A] localrepository: there is no section [Repository LL]`},
		{strings.Replace(strings.Replace(small, "remoterepository = R", "remoterepository = remoet", 1), "[Repository R]", "[Repository Remote]", 1), refused,
			`error 6: [Account A] remoterepository: there is no section [Repository remoet] // did you mean "Remote"?`},
		{strings.Replace(small, "localrepository = L\n", "", 1), refused, `error 4: [Account A] localrepository: the account does not name this repository // write localrepository = NAME for a section [Repository NAME]`},
		{strings.Replace(small, "remoterepository = R", "remoterepository = L", 1), refused, `error 6: [Account A] remoterepository: a remote repository must be of type IMAP or Gmail, not Maildir`},
		{strings.Replace(small, "type = IMAP", "type = imap", 1), refused, `error 13: [Repository R] type: "imap" is no type of a repository // did you mean "IMAP"?`},
		{strings.Replace(small, "type = IMAP", "type = POP3", 1), refused, `error 13: [Repository R] type: "POP3" is no type of a repository // write Maildir or IMAP`},
		{strings.Replace(small, "type = IMAP\n", "", 1), refused, `error 12: [Repository R] type: the repository has no type // write type = Maildir or type = IMAP`},
		{strings.Replace(small, "accounts = A", "accounts = A, ,B,A", 1), ok, `warning 2: [general] accounts: "A" is in the list twice
error 2: [general] accounts: there is no section [Account B]`},
		{strings.Replace(small, "accounts = A", "accounts = A\n[Account A/B]\nlocalrepository=L\nremoterepository=R", 1), ok,
			`error 3: [Account A/B] "A/B" cannot be the name of an account, for files are named after it // give the account another name`},
		{strings.Replace(small, "accounts = A", "accounts = A, B\n[Account B]\nlocalrepository=L\nremoterepository=R", 1), ok,
			`error 4: [Account B] localrepository: account "B" keeps its mail in /m as account "A" does: the folders of each would be copied to the server of the other // give each account localfolders of its own`},
		// the whole file
		{"", all, "error 1: there is no section [general] // write [general] and below it accounts = NAME"},
		{strings.Replace(small, "accounts = A", "", 1), all, "error 1: [general] accounts: there is no list of the accounts to sync // write accounts = NAME for each [Account NAME], separated by commas"},
		{strings.Replace(small, "accounts = A", "accounts = ,", 1), all, "error 2: [general] accounts: it is empty // write accounts = NAME for each [Account NAME], separated by commas"},
		{with("general", "fsync = perhaps"), all, `error 3: [general] fsync: "perhaps" is neither yes nor no // write yes or no`},
		{with("general", "metadata = "), all, `error 3: [general] metadata: it is empty // remove the line to have ~/.offlineimap`},
		{with("general", "metadata = %(metadata)s"), all, `error 3: [general] metadata: circular reference: metadata -> metadata // write the value itself in place of a reference`},
		{with("general", "metadata = %(dir)s/x\ndir = 5%"), all, `error 4: [general] dir: a single percent sign (metadata refers to it) // a literal percent sign is written %%`},
		{small + "hunter2\n", all, `error 17: [Repository R] neither a [section], nor a line "option = value", nor the indented continuation of one // write # before it if it is a comment, or indent it if it belongs to the line above`},
		{"accounts = A\n", all, "error 1: an option or text before the first [section] // begin the file with [general]"},
		{"\xef\xbb\xbf" + small, all, "error 1: the file begins with a byte order mark // save it as UTF-8 without one"},
		{"[general]\n\x00\x01\x02", all, "error 2: a zero octet: this is not a text file, or not in UTF-8 // save it as UTF-8"},
		{"\xff\xfe[\x00g\x00", all, "error 1: a zero octet: this is not a text file, or not in UTF-8 // save it as UTF-8"},
		{strings.Replace(small, "/m", "/m\xe4", 1), ok, "warning 10: this is not UTF-8; the octets are used as they are // save the file as UTF-8"},
		{small + "[x\x1b[31m\x07]\n", ok, `warning 17: [x\x1b[31m\x07] unknown section: nothing in it has an effect`},
	} {
		c, problems := load(t, w.src)
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(strings.Join(said(problems), "\n"), wd, "WD")
		if got != w.want {
			t.Errorf("%s\n got %s\nwant %s", w.src, got, w.want)
		}
		fate := all
		if c != nil {
			fate = ok
			if a := c.Account("A"); a == nil || a.Refused() {
				fate = refused
			}
		}
		if fate != w.fate {
			t.Errorf("%s\nfate %s, want %s", w.src, fate, w.fate)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("a secret is in %s", got)
		}
	}
}

// Octets that are not UTF-8 reach the path as they stand.
func TestOctets(t *testing.T) {
	c, _ := load(t, strings.Replace(small, "/m", "/m\xe4", 1))
	if got := c.Accounts[0].Local.Maildir.LocalFolders; got != "/m\xe4" {
		t.Errorf("%q", got)
	}
}

func TestOneRefusedOthersGoOn(t *testing.T) {
	c, problems := load(t, `[general]
accounts = A, B, X
[Account A]
localrepository = L
remoterepository = R
[Account B]
localrepository = LB
remoterepository = R
[Account C]
localrepository = nowhere
remoterepository = R
[Repository L]
type = Maildir
localfolders = /a
startdate = 1899-12-31
[Repository LB]
type = Maildir
localfolders = /b
[Repository R]
type = IMAP
remotehost = h
auth_mechanisms = GSSAPI, PLAIN
`)
	if !c.Account("A").Refused() || c.Account("B").Refused() || !c.Account("C").Refused() || !c.Account("X").Refused() || c.Account("Y") != nil {
		t.Fatal(said(problems))
	}
	want := []string{
		`error 2: [general] accounts: there is no section [Account X]`,
		`error 15: [Repository L] startdate: 1899-12-31 is before 1900 // write a later one, or remove the line to have mails of every age`,
		`warning 22: [Repository R] auth_mechanisms: GSSAPI is not used yet: the others of the list are`,
	}
	if got := said(c.Relevant(c.General.Accounts)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := said(c.Relevant([]string{"B"})); !slices.Equal(got, want[2:]) {
		t.Errorf("got  %q\nwant %q", got, want[2:])
	}
	if p := c.Unknown("b"); p.Severity != Error || !strings.Contains(p.String(), `account "b" does not exist`) || p.Hint != `did you mean "B"?` {
		t.Errorf("%+v", p)
	}
}

func TestReadableByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for _, w := range []struct {
		src  string
		mode fs.FileMode
		want string
	}{
		{with("remote", "remotepass = x"), 0o644, "warning 16: [Repository R] remotepass: there is a password in this file, and other users may read it // chmod 600 " + path},
		{with("remote", "remotepass = x"), 0o640, "warning 16: [Repository R] remotepass: there is a password in this file, and other users may read it // chmod 600 " + path},
		{"[DEFAULT]\nremotepass = x\n" + small, 0o604, "warning 2: [DEFAULT] remotepass: there is a password in this file, and other users may read it // chmod 600 " + path},
		{with("remote", "remotepass = x"), 0o600, ""},
		{with("remote", "remotepass ="), 0o644, ""},
		{small, 0o644, ""},
	} {
		if err := os.WriteFile(path, []byte(w.src), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, w.mode); err != nil {
			t.Fatal(err)
		}
		_, problems, err := Load(path)
		if got := strings.Join(said(problems), "\n"); err != nil || got != w.want {
			t.Errorf("%o %s\n got %s %v\nwant %s", w.mode, w.src, got, err, w.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, maxFile+1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file",
		dir:                        "is a directory",
		big:                        "larger than 16 MB",
		"/dev/zero":                "larger than 16 MB",
	} {
		c, problems, err := Load(path)
		if c != nil || len(problems) > 0 || err == nil || errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}
