package config

import "strings"

// kind is a set of kinds of sections.
type kind uint8

const (
	inGeneral kind = 1 << iota
	inMbnames
	inAccount
	inMaildir // a repository of type Maildir or GmailMaildir
	inIMAP    // a repository of type IMAP or Gmail
)

const (
	inRepository = inMaildir | inIMAP
	inAny        = inGeneral | inMbnames | inAccount | inRepository
)

// valueType says how a value is written.
type valueType string

const (
	typeText    valueType = "text"
	typeBool    valueType = "yes or no"
	typeInt     valueType = "number"
	typeFloat   valueType = "minutes"
	typePath    valueType = "path"
	typeList    valueType = "list"
	typeDate    valueType = "date"
	typeCommand valueType = "shell command"
	typePython  valueType = "Python"
	typeSecret  valueType = "secret"
)

// state says what becomes of an option.
type state string

const (
	used     state = "used"
	idle     state = "no effect alone" // matters only beside an option that tells its own state
	needless state = "not needed"      // what it asks for happens without it, or is not missed
	unused   state = "not used yet"    // harmless to ignore: a warning
	refused  state = "refused"         // not harmless to ignore: an error for its account
	obsolete state = "obsolete"        // without effect in OfflineIMAP 8 too: a warning
)

type option struct {
	name  string
	in    kind
	typ   valueType
	deflt string // what leaving it out means, as it would be written
	state state
	// note is the rest of the sentence of the warning or error: for needless and
	// unused, why it does no harm; for refused, what would happen without; for obsolete, what to
	// write instead.
	note string
}

// neutral says that a value asks for nothing but what happens without it.
func (o option) neutral(value string) bool {
	if value == o.deflt && (o.deflt != "" || o.typ == typeText || o.typ == typeList) {
		return true
	}
	switch o.typ {
	case typeBool:
		v, ok := parseBool(value)
		d, _ := parseBool(o.deflt)
		return ok && v == d
	case typeInt:
		v, err := parseInt(value)
		d, derr := parseInt(o.deflt)
		return err == nil && derr == nil && v == d
	case typePython:
		return o.deflt != "" && strings.Join(strings.Fields(value), "") == o.deflt
	}
	return false
}

// readable says that a value is of the option's type, as far as that is simple.
func (o option) readable(value string) bool {
	switch o.typ {
	case typeBool:
		_, ok := parseBool(value)
		return ok
	case typeInt:
		_, err := parseInt(value)
		return err == nil
	}
	return true
}

// options holds every option that is known, in the order of the manual.
// customflag_a stands for all of customflag_a to customflag_z.
var options = []option{
	{"accounts", inGeneral, typeList, "", used, ""},
	{"metadata", inGeneral, typePath, "~/.offlineimap", used, ""},
	{"maxsyncaccounts", inGeneral, typeInt, "1", used, ""},
	{"ui", inGeneral, typeText, "ttyui", used, ""},
	{"ignore-readonly", inGeneral, typeBool, "no", used, ""},
	{"pythonfile", inGeneral, typePath, "", used, ""},
	{"socktimeout", inGeneral, typeInt, "0", used, ""},
	{"fsync", inGeneral, typeBool, "yes", used, ""},
	{"dry-run", inGeneral, typeBool, "no", used, ""},
	{"ignore-keyring", inGeneral, typeBool, "no", needless, "no keyring is asked"},
	{"update-keyring", inGeneral, typeBool, "no", unused, "no password is stored in a keyring"},
	{"utime_from_header", inGeneral | inMaildir, typeBool, "no", used, ""},
	{"filename_use_mail_timestamp", inGeneral | inMaildir, typeBool, "no", used, ""},
	{"socktimemout", inGeneral, typeInt, "", obsolete, "write socktimeout"},
	{"sockettimeout", inGeneral, typeInt, "", obsolete, "write socktimeout"},

	{"enabled", inMbnames, typeBool, "no", used, ""},
	{"filename", inMbnames, typePath, "", used, ""},
	{"header", inMbnames, typePython, "", used, ""},
	{"peritem", inMbnames, typeText, "", used, ""},
	{"sep", inMbnames, typePython, "", used, ""},
	{"footer", inMbnames, typePython, "", used, ""},
	{"incremental", inMbnames, typeBool, "no", used, ""},
	{"folderfilter", inMbnames, typePython, "", used, ""},
	{"sort_keyfunc", inMbnames, typePython, "", used, ""},
	{"mbnames_folderfilter", inMbnames, typePython, "", obsolete, "write folderfilter"},

	{"localrepository", inAccount, typeText, "", used, ""},
	{"remoterepository", inAccount, typeText, "", used, ""},
	{"autorefresh", inAccount, typeFloat, "0", used, ""},
	{"quick", inAccount, typeInt, "0", needless, "every run looks at everything, at the price of a quick one"},
	{"presynchook", inAccount, typeCommand, "", used, ""},
	{"postsynchook", inAccount, typeCommand, "", used, ""},
	{"hook_timeout", inAccount, typeInt, "600", used, ""},
	{"hook_changes", inAccount, typeBool, "no", used, ""},
	{"maxsize", inAccount, typeInt, "", used, ""},
	{"maxage", inAccount, typeDate, "", used, ""},
	{"maildir-windows-compatible", inAccount, typeBool, "no", used, ""},
	{"synclabels", inAccount, typeBool, "no", refused, "labels would be lost on the way"},
	{"labelsheader", inAccount, typeText, "X-Keywords", idle, "matters with synclabels = yes"},
	{"ignorelabels", inAccount, typeList, "", idle, "matters with synclabels = yes"},
	{"filterheaders", inAccount, typeList, "", used, ""},
	{"proxy", inAccount, typeText, "", used, ""},
	{"authproxy", inAccount, typeText, "", used, ""},
	{"utf8foldernames", inAccount, typeBool, "no", used, ""},
	{"status_backend", inAccount, typeText, "", obsolete, "remove it: the state is always kept in SQLite"},

	{"type", inRepository, typeText, "", used, ""},
	{"nametrans", inRepository, typePython, "", used, ""},
	{"folderfilter", inRepository, typePython, "", used, ""},
	{"folderincludes", inRepository, typePython, "[]", used, ""},
	{"dynamic_folderfilter", inRepository, typeBool, "no", needless, "every run asks folderfilter anew"},
	{"createfolders", inRepository, typeBool, "yes", used, ""},
	{"readonly", inRepository, typeBool, "no", used, ""},
	{"sync_deletes", inRepository, typeBool, "yes", used, ""},
	{"startdate", inRepository, typeDate, "", used, ""},

	{"localfolders", inMaildir, typePath, "", used, ""},
	{"sep", inMaildir, typeText, ".", used, ""},
	{"restoreatime", inMaildir, typeBool, "no", needless, "access times stay what they were"},
	{"customflag_a", inMaildir, typeText, "", used, ""},

	{"remotehost", inIMAP, typeText, "", used, ""},
	{"remotehosteval", inIMAP, typePython, "", used, ""},
	{"remoteport", inIMAP, typeInt, "", used, ""},
	{"remoteporteval", inIMAP, typePython, "", used, ""},
	{"remoteuser", inIMAP, typeText, "", used, ""},
	{"remoteusereval", inIMAP, typePython, "", used, ""},
	{"remotepass", inIMAP, typeSecret, "", used, ""},
	{"remotepassfile", inIMAP, typePath, "", used, ""},
	{"remotepasseval", inIMAP, typePython, "", used, ""},
	{"remote_identity", inIMAP, typeText, "", used, ""},
	{"ssl", inIMAP, typeBool, "yes", used, ""},
	{"starttls", inIMAP, typeBool, "yes", used, ""},
	{"sslcacertfile", inIMAP, typePath, "", used, ""},
	{"sslclientcert", inIMAP, typePath, "", used, ""},
	{"sslclientkey", inIMAP, typePath, "", used, ""},
	{"cert_fingerprint", inIMAP, typeList, "", used, ""},
	{"ssl_version", inIMAP, typeText, "", used, ""},
	{"tls_level", inIMAP, typeText, "tls_compat", used, ""},
	{"auth_mechanisms", inIMAP, typeList, "GSSAPI, XOAUTH2, CRAM-MD5, PLAIN, LOGIN", used, ""},
	{"oauth2_client_id", inIMAP, typeText, "", used, ""},
	{"oauth2_client_id_eval", inIMAP, typePython, "", used, ""},
	{"oauth2_client_secret", inIMAP, typeSecret, "", used, ""},
	{"oauth2_client_secret_eval", inIMAP, typePython, "", used, ""},
	{"oauth2_refresh_token", inIMAP, typeSecret, "", used, ""},
	{"oauth2_refresh_token_eval", inIMAP, typePython, "", used, ""},
	{"oauth2_access_token", inIMAP, typeSecret, "", used, ""},
	{"oauth2_access_token_eval", inIMAP, typePython, "", used, ""},
	{"oauth2_request_url", inIMAP, typeText, "", used, ""},
	{"preauthtunnel", inIMAP, typeCommand, "", used, ""},
	{"transporttunnel", inIMAP, typeCommand, "", used, ""},
	{"ipv6", inIMAP, typeBool, "", used, ""},
	{"reference", inIMAP, typeText, "", used, ""},
	{"subscribedonly", inIMAP, typeBool, "no", used, ""},
	{"decodefoldernames", inIMAP, typeBool, "no", refused, "folders would get other names"},
	{"idlefolders", inIMAP, typePython, "[]", unused, "no folder is watched between runs"},
	{"usecompression", inIMAP, typeBool, "no", used, ""},
	{"maxconnections", inIMAP, typeInt, "4", used, ""},
	{"singlethreadperfolder", inIMAP, typeBool, "no", used, ""},
	{"holdconnectionopen", inIMAP, typeBool, "no", unused, "a run opens its connections anew"},
	{"keepalive", inIMAP, typeInt, "0", unused, "no connection outlives a run"},
	{"expunge", inIMAP, typeBool, "yes", used, ""},
	{"foldersort", inIMAP, typePython, "", used, ""},
	{"retrycount", inIMAP, typeInt, "2", needless, "a mail that could not be fetched is fetched in the next run"},
	{"copy_ignore_eval", inIMAP, typePython, "", used, ""},
	{"newmail_hook", inIMAP, typePython, "", used, ""},
	{"sep", inIMAP, typeText, "", obsolete, "remove it: the server says what separates its folders"},
	{"trashfolder", inIMAP, typeText, "", obsolete, "remove it"},
	{"spamfolder", inIMAP, typeText, "", obsolete, "remove it"},
	{"realdelete", inIMAP, typeBool, "", obsolete, "remove it: what a deletion does on Gmail is set there, under Forwarding and IMAP"},
	{"startssl", inIMAP, typeBool, "", obsolete, "write starttls"},
	{"sslline", inIMAP, typeText, "", obsolete, "remove it"},
	{"auth", inIMAP, typeText, "", obsolete, "remove it, or write auth_mechanisms"},
}

// byName finds the rows of an option's name in options.
var byName = func() map[string][]option {
	m := make(map[string][]option, len(options))
	for _, o := range options {
		m[o.name] = append(m[o.name], o)
	}
	return m
}()

// known returns the rows of an option's name, for any kind of section.
func known(name string) []option {
	if letter, ok := strings.CutPrefix(name, "customflag_"); ok && len(letter) == 1 && letter[0] >= 'a' && letter[0] <= 'z' {
		name = "customflag_a"
	}
	return byName[name]
}

// find returns an option of a kind of section.
func find(name string, in kind) (option, bool) {
	for _, o := range known(name) {
		if o.in&in != 0 {
			o.name = name
			return o, true
		}
	}
	return option{}, false
}

// sections names the sections of a kind, for messages.
func (k kind) sections() string {
	var names []string
	for _, n := range []struct {
		k    kind
		name string
	}{
		{inGeneral, "[general]"}, {inMbnames, "[mbnames]"}, {inAccount, "[Account …]"},
		{inRepository, "[Repository …]"}, {inMaildir, "[Repository …] of type Maildir"}, {inIMAP, "[Repository …] of type IMAP"},
	} {
		if k&n.k == n.k {
			names = append(names, n.name)
			k &^= n.k
		}
	}
	return strings.Join(names, " or ")
}
