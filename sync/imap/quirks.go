package imap

import (
	"strings"

	goimap "github.com/emersion/go-imap/v2"
)

// quirks are the departures that a server needs. What is done for every server
// needs no row: HIGHESTMODSEQ and UIDNEXT that go back make a full listing (GMX
// has rewound UIDNEXT: github.com/chatmail/core/issues/2188), VANISHED is
// never believed without a listing (James told that everything had vanished:
// github.com/apache/james-project/pull/629), SELECT has QRESYNC as its only
// parameter (Purelymail takes no second: github.com/Purelymail/purelymail-issues/issues/452),
// and IMAP4rev2 is not enabled (Microsoft 365 then breaks SEARCH:
// github.com/jstedfast/MailKit/issues/2016).
type quirks struct {
	noQResync   bool // QRESYNC is announced and must not be used
	noStatus    bool // STATUS makes the server read whole mailboxes
	wrongSize   bool // RFC822.SIZE is not the length of the mail
	id          bool // ID is expected before SELECT, announced or not
	connections int  // most connections that the server takes; 0: not known
}

// quirk is a row of the table. It holds where one of hosts is the end of the
// host's name, or greeting is part of the server's greeting, or of the name in
// its ID, whatever the case.
type quirk struct {
	about    string
	hosts    []string
	greeting string
	set      quirks
	source   string
}

var quirkTable = []quirk{
	{
		about:  "iCloud: announces QRESYNC, sends no ENABLED, and its VANISHED cannot be read",
		hosts:  []string{"imap.mail.me.com", "mail.icloud.com"},
		set:    quirks{noQResync: true},
		source: "https://github.com/jstedfast/MailKit/issues/1871, https://github.com/Foundry376/Mailspring-Sync/pull/91, https://developer.apple.com/forums/thread/694251",
	},
	{
		about:  "Gmail: fifteen connections an account, for all its clients together",
		hosts:  []string{"imap.gmail.com", "imap.googlemail.com"},
		set:    quirks{connections: 15},
		source: "https://github.com/imapsync/imapsync/issues/61",
	},
	{
		about:    "Exchange: counts RFC822.SIZE before it renders the mail",
		greeting: "Microsoft Exchange",
		set:      quirks{wrongSize: true},
		source:   "https://github.com/stalwartlabs/vandelay/issues/12",
	},
	{
		about:  "Microsoft 365: as Exchange",
		hosts:  []string{"outlook.office365.com", "outlook.office.com", "imap-mail.outlook.com"},
		set:    quirks{wrongSize: true},
		source: "https://github.com/stalwartlabs/vandelay/issues/12",
	},
	{
		about:    "DavMail: STATUS loads all messages of the folder, RFC822.SIZE downloads each mail",
		greeting: "DavMail",
		set:      quirks{noStatus: true, wrongSize: true},
		source:   "https://github.com/mguessan/davmail (ImapConnection.java, status), https://github.com/getmail6/getmail6/issues/69",
	},
	{
		about:    "hMailServer: RFC822.SIZE differs from the mail",
		greeting: "hMailServer",
		set:      quirks{wrongSize: true},
		source:   "https://github.com/hmailserver/hmailserver/issues/476",
	},
	{
		about:  "NetEase: refuses SELECT as an unsafe login before it has seen an ID",
		hosts:  []string{"163.com", "126.com", "188.com", "yeah.net"},
		set:    quirks{id: true},
		source: "https://github.com/OfflineIMAP/offlineimap/issues/696, https://github.com/OfflineIMAP/offlineimap3/issues/71",
	},
}

// quirksOf collects the rows that hold.
func quirksOf(host, greeting string) quirks {
	var q quirks
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	greeting = strings.ToLower(greeting)
	for _, row := range quirkTable {
		holds := row.greeting != "" && strings.Contains(greeting, strings.ToLower(row.greeting))
		for _, h := range row.hosts {
			holds = holds || host == h || strings.HasSuffix(host, "."+h)
		}
		if !holds {
			continue
		}
		q.noQResync = q.noQResync || row.set.noQResync
		q.noStatus = q.noStatus || row.set.noStatus
		q.wrongSize = q.wrongSize || row.set.wrongSize
		q.id = q.id || row.set.id
		if n := row.set.connections; n > 0 && (q.connections == 0 || n < q.connections) {
			q.connections = n
		}
	}
	return q
}

// has tells whether a capability is announced. Unlike CapSet.Has it takes
// nothing as implied by IMAP4rev2, which is not enabled.
func has(caps goimap.CapSet, c goimap.Cap) bool {
	_, ok := caps[c]
	return ok
}
