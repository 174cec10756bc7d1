package config

import (
	"strings"
	"testing"
)

// What stands in files of ten years is read on, with one warning that says what
// to write now, or where.
func TestObsoleteAndMisplaced(t *testing.T) {
	const (
		inIMAP    = "it belongs in [Repository …] of type IMAP"
		inAccount = "it belongs in [Account …]"
		here      = "it has no effect in this section // "
		inMaildir = "it has no effect in a repository of type Maildir // "
		old       = "obsolete: it has no effect // "
	)
	for _, w := range []struct{ mark, line, want string }{
		{"account", "status_backend = sqlite", old + "remove it: the state is always kept in SQLite"},
		{"general", "status_backend = plain", old + "remove it: the state is always kept in SQLite"},
		{"remote", "realdelete = no", old + "remove it: what a deletion does on Gmail is set there, under Forwarding and IMAP"},
		{"account", "realdelete = no", old + "remove it: what a deletion does on Gmail is set there, under Forwarding and IMAP"},
		{"general", "socktimemout = 60", old + "write socktimeout"},
		{"general", "sockettimeout = 60", old + "write socktimeout"},
		{"remote", "sockettimeout = 60", old + "write socktimeout"},
		{"remote", "startssl = yes", old + "write starttls"},
		{"remote", "auth = on", old + "remove it, or write auth_mechanisms"},
		{"account", "sslline = x", old + "remove it"},
		{"remote", "trashfolder = [Gmail]/Papierkorb", old + "remove it"},
		{"general", "retrycount = 3", here + inIMAP},
		{"general", "maxconnections = 3", here + inIMAP},
		{"general", "autorefresh = 5", here + inAccount},
		{"general", "sslcacertfile = /etc/ssl/certs/ca-certificates.crt", here + inIMAP},
		{"general", "holdconnectionopen = yes", here + inIMAP},
		{"general", "keepalive = 60", here + inIMAP},
		{"general", "folderfilter = lambda f: True", here + "it belongs in [mbnames] or [Repository …]"},
		{"general", "maildir-windows-compatible = yes", here + inAccount},
		{"account", "maxconnections = 3", here + inIMAP},
		{"account", "maxsyncaccounts = 3", here + "it belongs in [general]"},
		{"account", "nametrans = lambda f: f", here + "it belongs in [Repository …]"},
		{"account", "idlefolders = ['INBOX']", here + inIMAP},
		{"account", "localfolders = ~/Mail", here + "it belongs in [Repository …] of type Maildir"},
		{"local", "subscribedonly = yes", inMaildir + inIMAP},
		{"local", "keepalive = 60", inMaildir + inIMAP},
		{"local", "remotehost = h", inMaildir + inIMAP},
		{"local", "maxage = 30", here + inAccount},
		{"local", "synclabels = yes", here + inAccount},
		{"remote", "maxage = 30", here + inAccount},
		{"remote", "synclabels = yes", here + inAccount},
		{"remote", "autorefresh = 5", here + inAccount},
		{"remote", "socktimeout = 60", here + "it belongs in [general]"},
		{"remote", "localfolders = ~/Mail", "it has no effect in a repository of type IMAP // it belongs in [Repository …] of type Maildir"},
		{"general", "sockettimout = 60", "unknown option // write socktimeout"},
		{"remote", "ssl_cacertfile = x", "unknown option // did you mean sslcacertfile?"},
		{"remote", "startls = yes", "unknown option // did you mean starttls?"},
		{"remote", "folder_filter = x", "unknown option // did you mean folderfilter?"},
		{"account", "auto_refresh = 5", "unknown option // did you mean autorefresh?"},
		{"account", "remotehosts = h", "unknown option // did you mean remotehost? It belongs in [Repository …] of type IMAP"},
	} {
		c, problems := load(t, with(w.mark, w.line))
		name, _, _ := strings.Cut(w.line, " ")
		var got []string
		for i, p := range problems {
			if p.Option == name && p.Severity == Warning && p.Line > 0 {
				_, text, _ := strings.Cut(said(problems)[i], name+": ")
				got = append(got, text)
			}
		}
		if len(problems) != 1 || len(got) != 1 || got[0] != w.want || c == nil || c.Accounts[0].Refused() {
			t.Errorf("%s: %s\n got %q\nwant %q", w.mark, w.line, said(problems), w.want)
		}
	}
	for _, section := range []string{"[ui.Curses.Blinkenlights]\nstatuschar = .\n", "[ui.ttyui]\nx = 1\n", "[notifications]\nenabled = yes\n"} {
		if _, problems := load(t, small+section); len(problems) != 1 || problems[0].Severity != Warning || problems[0].Hint != "remove it" {
			t.Errorf("%s: %q", section, said(problems))
		}
	}
	_, problems := load(t, small+"[mbnames]\nmbnames_folderfilter = x\n")
	if got := said(problems); len(got) != 1 || !strings.HasSuffix(got[0], old+"write folderfilter") {
		t.Errorf("%q", got)
	}
}
