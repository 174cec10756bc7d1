package main

import (
	"fmt"
	"io"
)

func usage(w io.Writer, o options) {
	if o.named {
		fmt.Fprint(w, `usage: offlineimap [OPTION]...

Brings all accounts in step, once; those with autorefresh again and again, until
it is ended. This is offlineimapd, called by the name of OfflineIMAP.

`, usageFile, usageRun, usageTheirs, usageLook)
		return
	}
	fmt.Fprint(w, `usage: offlineimapd [-c FILE] [-a ACCOUNT[,ACCOUNT...]] [OPTION]...
       offlineimapd --once [--dry-run] [--json] [--approve FOLDER]... [OPTION]...
       offlineimapd -o [OPTION]...
       offlineimapd --check-config | --show-config | --config-path [-c FILE]
       offlineimapd demo
       offlineimapd --version

Without --once or -o, it is the daemon: it keeps all accounts in step until it is
ended, and is asked and told by offlineimapctl. systemd starts it:
systemctl --user enable --now offlineimapd

`, usageFile, usageRun, `
`, usageOwn, `
What makes a run of it as OfflineIMAP makes it, in the foreground, again and again
where an account has autorefresh:

`, usageTheirs, usageLook)
}

const (
	usageFile = `  -c, --config FILE the configuration (default: as OfflineIMAP finds it)
  -a, --account A,B only these accounts
  -k [SECTION:]OPTION=VALUE
                    as if the configuration said so; in section general, unless
                    named, with _ for blanks in its name (repeatable)
`
	usageRun = `  -1                one account at a time, by one connection
  -q                accepted: every run is that quick, and misses nothing
  -d TYPE,TYPE      log more: imap (what crosses the wire), maildir, thread, ALL
  -l FILE           log to FILE too, behind what is in it
  -s                log to the system's log too
  -P DIR            accepted, and no profile is made
  --ignore-keyring, --update-keyring
                    accepted: no keyring is used yet
  --approve FOLDER  let a held plan of this folder through (repeatable), with
                    several accounts ACCOUNT/FOLDER; / accepts a changed
                    directory of the local folders, or another server or user
`
	usageOwn = `  --once            bring all accounts in step, once, and end
  --dry-run         show what would be done, change nothing at all
  --json            the report as one JSON document on standard output
  --check-config    tell what is wrong with the configuration
  --show-config     print what it says, with all defaults and without secrets
  --config-path     print where it is
  demo              sync an IMAP server in memory with a temporary Maildir
`
	usageTheirs = `  -o                once, whatever autorefresh says
  -u INTERFACE      show it as ttyui, basic, quiet, syslog or machineui do
  -f FOLDER,FOLDER  only these mailboxes, by their names on the server
  --dry-run         change nothing at all
  --info            show what there is on both sides, and end
  --delete-folder FOLDER
                    delete it on the server of the one account, and end
  --migrate-fmd5-using-nametrans
                    rename local files that were named before there was a nametrans
  --mbnames-prune   remove accounts that are not listed from the file of mailboxes
`
	usageLook = `
  -h, --help        print this
  -V                print more than the version
  --version         print the version
`
)
