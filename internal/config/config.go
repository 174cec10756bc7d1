package config

import (
	"fmt"
	"slices"
	"time"
)

// SystemRoots is the CACertFile that stands for the certificates that the
// system trusts.
const SystemRoots = "OS-DEFAULT"

// Config is what a file says.
type Config struct {
	Path     string
	General  General
	Accounts []*Account // every [Account …] of the file and every name in General.Accounts
	problems []Problem
}

// General is the section of that name.
type General struct {
	Accounts        []string      // to sync where nobody asks for others
	Metadata        string        // absolute
	MaxSyncAccounts int           // at once; at least 1
	MaxSyncAsked    bool          // MaxSyncAccounts is written, not only the default
	SockTimeout     time.Duration // 0: none given
	Fsync           bool
	DryRun          bool
	IgnoreReadonly  bool   // do not warn of mailboxes that the server opens read-only
	PythonFile      string // absolute, or "": what expressions may use besides what they always may
	UI              string // how a run in the foreground shows itself: a name of OfflineIMAP's, in lower case
	MBNames         MBNames
}

// MBNames is the section of that name: a file with the names of all mailboxes.
type MBNames struct {
	Enabled             bool
	Filename            string // absolute
	PerItem             string // Python's % template, as it is written
	Header, Sep, Footer Expression
	Filter, SortKey     Expression
	Incremental         bool // written after each account, not once at the end
}

// Account is a pair of repositories. With an Error among its Problems either
// may be nil or incomplete.
type Account struct {
	Name          string
	Local, Remote *Repository
	AutoRefresh   time.Duration // 0: once
	// UTF8FolderNames: local folders have the decoded names of the server's.
	UTF8FolderNames bool
	// Shell commands before and after a run, or "", and how long each may take.
	// With HookChanges the latter reads which files runs changed.
	PreSyncHook, PostSyncHook string
	HookTimeout               time.Duration
	HookChanges               bool
	Limits                    Limits
	Proxy                     Proxy // that the server is called through
	AuthProxy                 Proxy // that access tokens are asked for through
	// FilterHeaders are names of header fields that no upload has.
	FilterHeaders []string
	Problems      []Problem
}

// Proxy is a host to make connections through; zero: they are made directly.
type Proxy struct {
	Type string // SOCKS5, SOCKS4 or HTTP
	Addr string // host and port
}

// Limits say which mails are not copied. Zero values stand for no limit.
type Limits struct {
	MaxSize int64     // octets: larger ones
	MaxAge  int       // days: older ones; 0 where Since says it, or nothing
	Since   time.Time // older ones than this local midnight, as maxage with a date
}

// Refused says whether an Error forbids to run the account.
func (a *Account) Refused() bool {
	return slices.ContainsFunc(a.Problems, func(p Problem) bool { return p.Severity == Error })
}

// Account returns the account of that name, or nil.
func (c *Config) Account(name string) *Account {
	for _, a := range c.Accounts {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Unknown returns the Problem of asking for an account that does not exist.
func (c *Config) Unknown(name string) Problem {
	p := Problem{File: c.Path, Severity: Error, Account: name, Text: fmt.Sprintf("account %q does not exist", name)}
	var names []string
	for _, a := range c.Accounts {
		names = append(names, a.Name)
	}
	p.Hint = didYouMean(name, names)
	return p
}

// Repository is one side of an account: either Maildir or IMAP is not nil.
type Repository struct {
	Name          string
	Type          string // as written: Maildir, GmailMaildir, IMAP, Gmail
	ReadOnly      bool   // nothing on this side is changed
	CreateFolders bool   // on this side; never with ReadOnly
	SyncDeletes   bool   // what is deleted on this side is deleted on the other
	// NameTrans is a function of a folder's name on this side, and gives the one
	// that it has on the other. FolderFilter is a function of a name too, and says
	// whether the folder is synced; FolderIncludes is a list of names that are
	// synced whatever it says.
	NameTrans, FolderFilter, FolderIncludes Expression
	DynamicFolderFilter                     bool
	StartDate                               time.Time // mails that arrived here before this local midnight are not copied; zero: all are
	Maildir                                 *Maildir
	IMAP                                    *IMAP
}

// Expression is a Python expression, as it is to be evaluated.
type Expression struct {
	Source string // "": none is configured
	At     string `json:"-"` // the option with file and line, for messages
}

// Maildir is what only a Maildir has.
type Maildir struct {
	LocalFolders      string          // the root, absolute
	Sep               byte            // between the levels of a folder's name
	WindowsCompatible bool            // ! instead of : before the flags in a file name
	CustomFlags       map[byte]string // letter to IMAP keyword; each keyword once
	// What becomes of times: access times are put back after a run; the time of a
	// file, and the number that its name begins with, are those of the Date field.
	RestoreATime, UTimeFromHeader, FilenameTimestamp bool
}

// IMAP is what only a server has.
type IMAP struct {
	Host     string // "" only with a tunnel
	Port     int
	User     string // "" where none is configured
	Password Secret
	// What is asked where the like without Eval is not configured: strings, and a
	// number.
	HostEval, PortEval, UserEval, PassEval Expression
	OAuth                                  OAuth
	Identity                               string // in whose name the user logs in, with PLAIN; "": his own
	SSL, StartTLS                          bool   // StartTLS matters without SSL
	StartTLSAsked                          bool   // StartTLS is written, not only the default
	CACertFile                             string // absolute, SystemRoots, or "" where none is configured
	CertFingerprints                       []string
	ClientCert                             string // absolute, or ""
	ClientKey                              string // absolute, or ""
	SSLVersion                             string // "", tls1, tls1_1, tls1_2 or ssl23
	TLSLevel                               string // tls_compat, tls_no_ssl or tls_secure
	AuthMechanisms                         []string
	PreauthTunnel                          string // a shell command, or ""
	TransportTunnel                        string // a shell command, or ""; never together with PreauthTunnel
	IPv6                                   *bool  // true: IPv6 only; false: IPv4 only; nil: either
	Reference                              string // the first argument of LIST
	SubscribedOnly                         bool
	UseCompression                         bool
	MaxConnections                         int // at least 1
	Expunge                                bool
	SingleThread                           bool // one session a folder
	FolderSort, CopyIgnore, NewMailHook    Expression
	IdleFolders                            Expression
}

// OAuth is what access tokens come from. Each value goes before the expression of
// the same name.
type OAuth struct {
	ClientID                                                          string
	ClientSecret, RefreshToken, AccessToken                           Secret
	ClientIDEval, ClientSecretEval, RefreshTokenEval, AccessTokenEval Expression
	RequestURL                                                        string // of the server that gives an access token for a refresh token
}

// Configured tells whether there is a token to log in with.
func (o OAuth) Configured() bool {
	return o.RefreshToken.Literal != "" || o.AccessToken.Literal != "" || o.RefreshTokenEval.Source != "" || o.AccessTokenEval.Source != ""
}

// Relevant returns, in the order of the file and each once, what there is to
// tell to somebody who runs these accounts.
func (c *Config) Relevant(accounts []string) []Problem {
	seen := map[string]bool{}
	var out []Problem
	for _, p := range c.problems {
		if (p.Account == "" || slices.Contains(accounts, p.Account)) && !seen[p.String()] {
			seen[p.String()] = true
			out = append(out, p)
		}
	}
	return out
}
