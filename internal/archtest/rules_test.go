package archtest

// rule forbids imports. Paths within this module are written without it; a
// path covers what is below it.
type rule struct {
	in     string   // the packages concerned; "" is all
	not    []string // packages below in that are not concerned
	forbid []string // import paths; "..." is every path within this module, "third-party" everything outside of it and the standard library
	std    []string // the same for the standard library, some of whose names are ours too
	except []string // import paths below forbid that are allowed
	reason string
}

// pure are the packages that are functions of their arguments alone.
var pure = []string{"sync/mail", "sync/merge", "sync/guard", "sync/names", "service/schedule"}

// impure are the parts of the standard library that reach outside.
var impure = []string{
	"os", "net", "log", "syscall", "io/fs", "io/ioutil", "path/filepath", "embed", "plugin", "testing", "flag",
	"runtime", "unsafe", "sync", "database", "math/rand", "crypto/rand", "context",
}

var rules = []rule{
	{in: "sync/mail", forbid: []string{"..."}, reason: "mail is the vocabulary: every other package may import it, so it imports none"},
	{in: "sync/merge", forbid: []string{"..."}, except: []string{"sync/mail"}, reason: "merge compares values and knows no store"},
	{in: "sync/guard", forbid: []string{"..."}, except: []string{"sync/mail", "sync/merge"}, reason: "guard judges a plan and knows nothing else"},
	{in: "sync/names", forbid: []string{"..."}, except: []string{"sync/mail"}, reason: "names are strings, wherever they are used"},
	{in: "sync/store", forbid: []string{"..."}, except: []string{"sync/mail", "sync/store"}, reason: "the contract must not know who fulfils it"},
	{in: "sync/maildir", forbid: []string{"..."}, except: []string{"sync/mail", "sync/store", "sync/maildir"}, reason: "a store knows the contract and itself"},
	{in: "sync/imap", forbid: []string{"..."}, except: []string{"sync/mail", "sync/store", "sync/names", "sync/imap"}, reason: "a store knows the contract and itself"},
	{in: "sync/imap/wire", forbid: []string{"..."}, except: []string{"sync/store"}, reason: "the protocol knows no mailbox and no synchronisation, only how failures are classed"},
	{in: "sync/uidmap", forbid: []string{"..."}, except: []string{"sync/mail", "sync/store", "sync/names"}, reason: "a map wraps any store that assigns UIDs, and knows neither the base nor which server it is"},
	{in: "sync/state", forbid: []string{"..."}, except: []string{"sync/mail", "sync/store"}, reason: "the base is what both sides agreed on; it reaches no side itself"},
	{in: "sync/localstatus", forbid: []string{"..."}, except: []string{"sync/mail", "sync/names", "sync/engine"}, reason: "what OfflineIMAP left is read for the engine, and for nobody else"},
	{in: "sync/engine", forbid: []string{"sync/localstatus"}, reason: "the engine inherits from whoever can tell, and knows no other program's files"},
	{in: "sync/engine", forbid: []string{"sync/maildir", "sync/imap", "sync/uidmap"}, reason: "the engine works with any two stores; only cmd/offlineimapd knows which"},
	{in: "sync", forbid: []string{"service", "dbus", "internal", "cmd", "bench"}, reason: "the engine stands alone, without a daemon, a bus or a configuration file"},
	{in: "service", forbid: []string{"dbus", "internal", "cmd", "sync/imap", "sync/maildir", "github.com/godbus"}, reason: "the daemon declares the small interfaces it wants, and has no transport"},
	{in: "dbus/api", forbid: []string{"...", "github.com/godbus"}, reason: "names and shapes only: both sides of the bus import them"},
	{in: "dbus/client", forbid: []string{"sync", "service", "internal"}, reason: "a client is a program of its own"},
	{in: "cmd/offlineimapctl", forbid: []string{"sync", "service", "internal"}, reason: "the control tool is a plain D-Bus client"},
	{in: "cmd/offlineimap-applet", forbid: []string{"sync", "service", "internal"}, reason: "the applet is a plain D-Bus client"},
	{in: "internal", not: []string{"internal/testenv", "internal/archtest", "internal/ui"}, forbid: []string{"sync", "service", "dbus", "cmd"}, reason: "what is internal is glue to the outside; cmd/offlineimapd joins it to the engine"},
	{in: "internal/ui", forbid: []string{"..."}, except: []string{"sync/engine", "sync/guard", "sync/store", "sync/mail"}, reason: "a user interface shows what an engine tells, and knows neither the sides nor the configuration"},
	{in: "internal/testenv", forbid: []string{"..."}, except: []string{"internal/testenv"}, reason: "what checks the engine shares no code with it"},
	{in: "bench", forbid: []string{"sync", "service", "dbus", "internal", "cmd"}, except: []string{"internal/testenv"}, reason: "our program is measured as a user runs it, and checked by readers that share no code with it"},
	{not: []string{"internal/testenv", "sync/store/storetest", "bench"}, forbid: []string{"internal/testenv", "sync/store/storetest"}, std: []string{"testing"}, reason: "only tests use what is for tests"},
	{not: []string{"dbus", "internal/desktop", "internal/secret", "internal/testenv", "cmd/offlineimap-applet"}, forbid: []string{"github.com/godbus"}, reason: "the bus is behind dbus/, internal/desktop and internal/secret"},
	{not: []string{"sync/imap", "internal/testenv", "cmd/offlineimapd"}, forbid: []string{"github.com/emersion/go-imap"}, reason: "the IMAP protocol stands below sync/imap only (and in cmd/offlineimapd for the demo's server)"},
	{in: "sync/imap", forbid: []string{"github.com/emersion/go-imap/v2/imapclient", "github.com/emersion/go-imap/v2/imapserver"}, reason: "its types only: the protocol is our own"},
	{not: []string{"cmd/offlineimapctl"}, forbid: []string{"github.com/spf13"}, reason: "the command line of the control tool is nobody else's business"},
	{not: []string{"sync/state", "sync/localstatus", "sync/uidmap"}, forbid: []string{"github.com/mattn/go-sqlite3"}, std: []string{"database/sql"}, reason: "only state knows that the base is a database; uidmap that the map is, and localstatus that OfflineIMAP's is one"},
	{not: []string{"internal/systemd", "internal/desktop"}, forbid: []string{"github.com/coreos/go-systemd"}, reason: "systemd is behind internal/systemd; everybody else gets plain values"},
	{not: []string{"internal/token"}, forbid: []string{"golang.org/x/oauth2"}, reason: "OAuth is behind internal/token"},
	{forbid: []string{"cmd", "bench"}, not: []string{"cmd"}, reason: "a program is not a library"},
}

// allRules adds the rules for pure packages to the table.
func allRules() []rule {
	all := rules
	for _, p := range pure {
		all = append(all,
			rule{in: p, std: impure, reason: "a pure package neither reaches outside nor waits"},
			rule{in: p, forbid: []string{"third-party"}, reason: "a pure package needs nobody else's code"})
	}
	return all
}

// clock are the functions of time that ask what time it is, or wait.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// empty are directories without Go files of their own: a package there would
// take a name of the standard library, or of the bus itself.
var empty = []string{"sync", "dbus"}

// maxLines is the length of a file that a reader can still keep in mind.
const maxLines = 600
