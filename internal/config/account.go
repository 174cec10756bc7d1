package config

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// The first words of the sections that bear a name.
const (
	accountPrefix    = "Account "
	repositoryPrefix = "Repository "
)

// config reads everything that has a type; nil where there is nothing to do at
// all.
func (l *loader) config() *Config {
	section, ok := l.file.Section("general")
	if !ok {
		l.add(Problem{Line: 1, Severity: Error, Text: "there is no section [general]", Hint: "write [general] and below it accounts = NAME"})
		return nil
	}
	v := view{l: l, section: section, in: inGeneral}
	c := &Config{Path: l.path, General: General{
		Accounts:        l.accounts(v),
		Metadata:        v.path("metadata"),
		MaxSyncAccounts: v.number("maxsyncaccounts", 1, 1<<20),
		SockTimeout:     time.Duration(v.number("socktimeout", 0, 1<<30)) * time.Second,
		Fsync:           v.boolean("fsync"),
		DryRun:          v.boolean("dry-run"),
		IgnoreReadonly:  v.boolean("ignore-readonly"),
		PythonFile:      v.file("pythonfile"),
		UI:              v.ui(),
		MBNames:         l.mbnames(),
	}}
	l.utime, l.filename = v.boolean("utime_from_header"), v.boolean("filename_use_mail_timestamp")
	v.boolean("ignore-keyring")
	v.boolean("update-keyring")
	_, _, c.General.MaxSyncAsked = section.Lookup("maxsyncaccounts")
	if c.General.Metadata == "" {
		v.wrong("metadata", "remove the line to have "+v.deflt("metadata"), "it is empty")
	}
	byName := map[string]*Account{}
	for _, s := range l.file.Sections {
		if name, ok := strings.CutPrefix(s.Name, accountPrefix); ok && name != "" {
			a := l.account(name, s)
			c.Accounts = append(c.Accounts, a)
			byName[name] = a
		}
	}
	for _, name := range c.General.Accounts {
		if byName[name] != nil {
			continue
		}
		v.account = name
		v.wrong("accounts", l.suggest(name, accountPrefix), "there is no section [Account %s]", name)
		byName[name] = &Account{Name: name}
		c.Accounts = append(c.Accounts, byName[name])
	}
	l.shared(c, byName)
	return c
}

const maxAccounts = 1000

// accounts reads the list of accounts to sync.
func (l *loader) accounts(v view) []string {
	s, ok := v.text("accounts")
	var names []string
	seen := map[string]bool{}
	for _, name := range parseList(s) {
		if seen[name] {
			v.problem(Warning, "accounts", fmt.Sprintf("%q is in the list twice", name), "")
			continue
		}
		seen[name] = true
		names = append(names, name)
	}
	if len(names) > maxAccounts {
		v.wrong("accounts", "", "%d accounts are more than the %d that there may be", len(names), maxAccounts)
		names = names[:maxAccounts]
	}
	if len(names) == 0 {
		text := "there is no list of the accounts to sync"
		if ok {
			text = "it is empty"
		}
		v.wrong("accounts", "write accounts = NAME for each [Account NAME], separated by commas", "%s", text)
	}
	return names
}

// shared warns where accounts to sync keep their mail in one place.
func (l *loader) shared(c *Config, byName map[string]*Account) {
	owner := map[string]string{}
	for _, name := range c.General.Accounts {
		a := byName[name]
		if a.Local == nil || a.Local.Maildir == nil || a.Local.Maildir.LocalFolders == "" {
			continue
		}
		root := a.Local.Maildir.LocalFolders
		if other, ok := owner[root]; ok {
			s, _ := l.file.Section(accountPrefix + name)
			view{l: l, section: s, in: inAccount, account: name}.problem(Error, "localrepository",
				fmt.Sprintf("account %q keeps its mail in %s as account %q does: the folders of each would be copied to the server of the other", name, root, other),
				"give each account localfolders of its own")
			continue
		}
		owner[root] = name
	}
}

func (l *loader) account(name string, section *ini.Section) *Account {
	v := view{l: l, section: section, in: inAccount, account: name}
	a := &Account{Name: name}
	if name == "." || name == ".." || strings.Contains(name, "/") || strings.ContainsFunc(name, unicode.IsControl) {
		v.wrong("", "give the account another name", "%q cannot be the name of an account, for files are named after it", name)
	}
	if trimmed := strings.TrimSpace(name); trimmed != name {
		v.problem(Warning, "", "no list of accounts can name it, for there is a space at the beginning or the end of its name", fmt.Sprintf("write [Account %s]", trimmed))
	}
	a.AutoRefresh = v.minutes("autorefresh")
	v.refusals()
	a.UTF8FolderNames = v.boolean("utf8foldernames")
	a.PreSyncHook, _ = v.text("presynchook")
	a.PostSyncHook, _ = v.text("postsynchook")
	a.HookTimeout = time.Duration(v.number("hook_timeout", 1, 86400)) * time.Second
	a.HookChanges = v.boolean("hook_changes")
	v.proxies(a)
	windows := v.boolean("maildir-windows-compatible")
	if a.Local = l.repository(v, "localrepository"); a.Local != nil && a.Local.Maildir != nil {
		a.Local.Maildir.WindowsCompatible = windows
	}
	a.Remote = l.repository(v, "remoterepository")
	v.number("quick", -1<<31, 1<<31-1)
	a.Limits = v.limits(time.Now())
	a.FilterHeaders = v.headers()
	v.window(a)
	return a
}

// headers reads the names of header fields.
func (v view) headers() []string {
	s, _ := v.text("filterheaders")
	names := parseList(s)
	for _, name := range names {
		if strings.ContainsAny(name, ": \t\n\"'") {
			v.problem(Warning, "filterheaders", fmt.Sprintf("no header field is called %q", name), valueHint(name, "write names such as X-Spam-Status, separated by commas"))
		}
	}
	return names
}

func (v view) minutes(name string) time.Duration {
	s, ok := v.text(name)
	if !ok {
		return 0
	}
	d, err := parseMinutes(s)
	switch {
	case err != nil:
		v.wrong(name, valueHint(s, ""), "%q %v", s, err)
		return 0
	case d < 0:
		v.problem(Warning, name, "it is negative, and taken for 0", "")
		return 0
	}
	return d
}
