package main

import (
	"fmt"
	"io"
)

func usage(w io.Writer, o options) {
	if o.named {
		fmt.Fprint(w, `usage: offlineimap [OPTION]...

Brings all accounts in step, once; those with autorefresh again and again, until
it is ended. This is offlineimapd under the name of OfflineIMAP.

`, usageBoth, usageTheirs, usageEnd)
		return
	}
	fmt.Fprint(w, `usage: offlineimapd [-c FILE] [-a ACCOUNT[,ACCOUNT...]] [OPTION]...
       offlineimapd --once [-c FILE] [-a ACCOUNT[,ACCOUNT...]] [--dry-run] [--json]
                    [--approve FOLDER]... [OPTION]...
       offlineimapd -o [OPTION]...
       offlineimapd --check-config | --show-config | --config-path [-c FILE]
       offlineimapd demo
       offlineimapd --version

Without --once or -o, it is the daemon: it keeps all accounts in step until it is
ended, and is asked and told by offlineimapctl. systemd starts it:
systemctl --user enable --now offlineimapd

`, usageOwn, usageBoth, `
A run as OfflineIMAP makes it, in the foreground, begins with any of these; with
autorefresh it goes on until it is ended:

`, usageTheirs, usageEnd)
}

const (
	usageOwn = `  --once            bring all accounts in step, once, and end
  --json            the report as one JSON document on standard output
  --check-config    tell what is wrong with the configuration
  --show-config     print what it says, with all defaults and without secrets
  --config-path     print where it is
  demo              sync an IMAP server in memory with a temporary Maildir

`
	usageBoth = `  -c, --config FILE the configuration (default: as OfflineIMAP finds it)
  -a, --account A,B only these accounts
  -k [SECTION:]OPTION=VALUE
                    as if the configuration said so; in [general] where no section
                    is named, and with _ for the blanks of its name (repeatable)
  -1                one account at a time, by one connection
  -q                accepted: every run is a quick one, and misses nothing
  -d TYPE[,TYPE]    log more: imap (what crosses the wire), maildir, thread, all
  -l FILE           log to FILE, behind what is in it
  -P DIR            accepted: no profile is made
  --ignore-keyring  accepted: no keyring is asked yet
  --update-keyring  accepted: nothing is put into a keyring yet
  --approve FOLDER  let a held plan of this folder through (repeatable), with
                    several accounts ACCOUNT/FOLDER; / accepts a changed
                    directory of the local folders, or another server or user
`
	usageTheirs = `  -o                once, whatever autorefresh says
  -u INTERFACE      ttyui, basic, quiet, syslog or machineui
  -s                log to the system's log, too
  -f FOLDER[,...]   only these mailboxes, by their names on the server
  --dry-run         show what would be done, change nothing at all
  --info            show what there is on both sides, and end
  --delete-folder FOLDER
                    delete a mailbox on the server of the one account, and end
  --migrate-fmd5-using-nametrans
                    rename local files that were named before there was a
                    nametrans, and end
  --mbnames-prune   drop accounts that are not listed from the file of mailbox
                    names, and end
  --write-uidmapping
                    of accounts with two servers, tell OfflineIMAP which mails are
                    the same, so that it can go on, and end
`
	usageEnd = `
  -h, --help        print this
  -V                print the version, and that of Go
  --version         print the version
`
)
