package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// types says what kind of section a repository of each type is.
var types = []struct {
	name string
	in   kind
}{{"IMAP", inIMAP}, {"Gmail", inIMAP}, {"Maildir", inMaildir}, {"GmailMaildir", inMaildir}}

// kindOf is the kind of a repository's section; both where the type is unknown.
func kindOf(section *ini.Section) kind {
	name, _, _ := section.Get("type")
	for _, t := range types {
		if t.name == name {
			return t.in
		}
	}
	return inRepository
}

// repository reads the side of an account that option names; nil where it
// cannot be one.
func (l *loader) repository(account view, option string) *Repository {
	name, ok := account.text(option)
	if !ok || name == "" {
		account.wrong(option, "write "+option+" = NAME for a section [Repository NAME]", "the account does not name this repository")
		return nil
	}
	section, ok := l.file.Section(repositoryPrefix + name)
	if !ok {
		account.wrong(option, l.suggest(name, repositoryPrefix), "there is no section [Repository %s]", name)
		return nil
	}
	v := view{l: l, section: section, in: kindOf(section), account: account.account}
	r := &Repository{Name: name}
	if r.Type, ok = v.text("type"); !ok || r.Type == "" {
		v.wrong("type", "write type = Maildir or type = IMAP", "the repository has no type")
		return nil
	}
	switch {
	case v.in == inRepository:
		hint := didYouMean(r.Type, []string{"IMAP", "Gmail", "Maildir", "GmailMaildir"})
		if hint == "" {
			hint = "write Maildir or IMAP"
		}
		v.wrong("type", hint, "%q is no type of a repository", r.Type)
		return nil
	case option == "localrepository" && r.Type == "Gmail":
		account.wrong(option, "write type = IMAP", "a local repository must be of type Maildir or IMAP, not Gmail")
		return nil
	case option == "remoterepository" && v.in == inMaildir:
		account.wrong(option, "", "a remote repository must be of type IMAP or Gmail, not %s", r.Type)
		return nil
	}
	v.refusals()
	r.ReadOnly = v.boolean("readonly")
	r.CreateFolders = v.boolean("createfolders") && !r.ReadOnly
	r.SyncDeletes = v.boolean("sync_deletes")
	r.NameTrans, r.FolderFilter, r.FolderIncludes = v.python("nametrans"), v.python("folderfilter"), v.python("folderincludes")
	r.DynamicFolderFilter = v.boolean("dynamic_folderfilter")
	r.StartDate = v.date("startdate", time.Now())
	if v.in == inMaildir {
		r.Maildir = v.maildir()
	} else {
		r.IMAP = v.imap(r.Type == "Gmail")
		if option == "localrepository" && !r.IMAP.Expunge {
			v.wrong("expunge", "remove the line", "in a local repository it would leave what was removed on the server here, where it would look new")
		}
	}
	return r
}

// suggest returns a hint at the section that a name was probably meant to be
// of, while there are few problems yet.
func (l *loader) suggest(name, prefix string) string {
	if len(l.problems) > maxWarnings {
		return ""
	}
	var names []string
	for _, s := range l.file.Sections {
		if n, ok := strings.CutPrefix(s.Name, prefix); ok && len(names) < maxWarnings {
			names = append(names, n)
		}
	}
	return didYouMean(name, names)
}

func (v view) maildir() *Maildir {
	m := &Maildir{LocalFolders: v.path("localfolders"), CustomFlags: map[byte]string{}}
	if m.LocalFolders == "" {
		v.wrong("localfolders", "write localfolders = DIRECTORY", "the Maildir repository does not say where its folders are")
	}
	sep, _ := v.text("sep")
	if len(sep) != 1 {
		v.wrong("sep", valueHint(sep, "write . or /"), "%q is not one character", sep)
	} else {
		m.Sep = sep[0]
	}
	m.RestoreATime = v.boolean("restoreatime")
	m.UTimeFromHeader = v.booleanOr("utime_from_header", v.l.utime)
	m.FilenameTimestamp = v.booleanOr("filename_use_mail_timestamp", v.l.filename)
	letters := map[string]byte{}
	for c := byte('a'); c <= 'z'; c++ {
		name := "customflag_" + string(c)
		word, ok := v.text(name)
		if !ok {
			continue
		}
		if what := keyword(word); what != "" {
			v.wrong(name, "", "the keyword %q %s", word, what)
			continue
		}
		if other, ok := letters[strings.ToLower(word)]; ok { // keywords differ in more than case
			v.wrong(name, "remove one of them", "the keyword %q has the letter %c already", word, other)
			continue
		}
		letters[strings.ToLower(word)] = c
		m.CustomFlags[c] = word
	}
	return m
}

func (v view) imap(gmail bool) *IMAP {
	i := &IMAP{
		SSL:            v.boolean("ssl"),
		StartTLS:       v.boolean("starttls"),
		ClientCert:     v.file("sslclientcert"),
		ClientKey:      v.file("sslclientkey"),
		SSLVersion:     v.version(),
		TLSLevel:       v.word("tls_level", "tls_compat", "tls_no_ssl", "tls_secure"),
		OAuth:          v.oauth(gmail),
		SubscribedOnly: v.boolean("subscribedonly"),
		UseCompression: v.boolean("usecompression"),
		MaxConnections: v.number("maxconnections", 1, 1000),
		Expunge:        v.boolean("expunge"),
		SingleThread:   v.boolean("singlethreadperfolder"),
		FolderSort:     v.python("foldersort"),
		CopyIgnore:     v.python("copy_ignore_eval"),
		NewMailHook:    v.python("newmail_hook"),
		IdleFolders:    v.python("idlefolders"),
	}
	v.boolean("holdconnectionopen")
	v.number("keepalive", 0, 1<<30)
	v.number("retrycount", 0, 1<<30)
	i.AuthMechanisms = v.mechanisms(i.OAuth.Configured())
	i.Identity, _ = v.text("remote_identity")
	_, _, asked := v.section.Lookup("starttls")
	i.StartTLSAsked = asked && i.StartTLS
	i.Host, _ = v.text("remotehost")
	i.User, _ = v.text("remoteuser")
	i.PreauthTunnel, _ = v.text("preauthtunnel")
	i.TransportTunnel, _ = v.text("transporttunnel")
	if gmail && i.PreauthTunnel != "" {
		v.problem(Warning, "preauthtunnel", "a repository of type Gmail does not use it", "write type = IMAP to use it")
		i.PreauthTunnel = ""
	}
	if i.PreauthTunnel != "" && i.TransportTunnel != "" {
		v.wrong("preauthtunnel", "remove one of them", "preauthtunnel and transporttunnel exclude each other")
	}
	i.HostEval, i.PortEval, i.UserEval, i.PassEval = v.python("remotehosteval"), v.python("remoteporteval"), v.python("remoteusereval"), v.python("remotepasseval")
	switch {
	case i.HostEval.Source != "": // it goes before remotehost
		i.Host = ""
	case i.Host == "" && gmail:
		i.Host = "imap.gmail.com"
	case i.Host == "" && i.PreauthTunnel == "" && i.TransportTunnel == "":
		v.wrong("remotehost", "write remotehost = NAME", "the repository does not say which server to call")
	case strings.Count(i.Host, ":") == 1:
		v.wrong("remotehost", "write the port as remoteport", "%q is not only the name of a server", i.Host)
	case strings.ContainsAny(i.Host, "/\"'") || strings.ContainsFunc(i.Host, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		v.wrong("remotehost", valueHint(i.Host, "write only the name of the server"), "%q is not the name of a server", i.Host)
	}
	if i.Port = v.number("remoteport", 1, 65535); i.Port == 0 {
		i.Port = 143
		if i.SSL || gmail {
			i.Port = 993
		}
	}
	if _, _, ok := v.section.Lookup("ipv6"); ok {
		only := v.boolean("ipv6")
		i.IPv6 = &only
	}
	if i.Reference, _ = v.text("reference"); quoted(i.Reference) { // OfflineIMAP sent it as it was, as an IMAP string
		i.Reference = i.Reference[1 : len(i.Reference)-1]
	}
	if ca, ok := v.text("sslcacertfile"); ok && ca == SystemRoots {
		i.CACertFile = SystemRoots
	} else {
		i.CACertFile = v.file("sslcacertfile")
	}
	if i.ClientCert == "" && i.ClientKey != "" {
		v.problem(Warning, "sslclientkey", "without sslclientcert it is not used", "")
	}
	i.CertFingerprints = v.fingerprints()
	i.Password = v.password()
	return i
}

// file reads the path of a file that must exist.
func (v view) file(name string) string {
	path := v.path(name)
	if path == "" {
		return ""
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		hint := ""
		if name == "sslcacertfile" {
			hint = "correct the path, or write sslcacertfile = " + SystemRoots + " for the certificates that the system trusts"
		}
		v.wrong(name, hint, "%v", err)
	}
	return path
}

func (v view) version() string {
	s := v.word("ssl_version", "", "tls1", "tls1_1", "tls1_2", "ssl3", "ssl23")
	if s == "ssl3" {
		v.wrong("ssl_version", "remove the line", "SSL 3 protects nothing and is not spoken")
	}
	return s
}

// oauth reads what access tokens come from.
func (v view) oauth(gmail bool) OAuth {
	o := OAuth{
		ClientIDEval: v.python("oauth2_client_id_eval"), ClientSecretEval: v.python("oauth2_client_secret_eval"),
		RefreshTokenEval: v.python("oauth2_refresh_token_eval"), AccessTokenEval: v.python("oauth2_access_token_eval"),
	}
	o.ClientID, _ = v.text("oauth2_client_id")
	o.ClientSecret.Literal, _ = v.text("oauth2_client_secret")
	o.RefreshToken.Literal, _ = v.text("oauth2_refresh_token")
	o.AccessToken.Literal, _ = v.text("oauth2_access_token")
	if o.RequestURL, _ = v.text("oauth2_request_url"); o.RequestURL == "" && gmail {
		o.RequestURL = "https://accounts.google.com/o/oauth2/token"
	}
	option := "oauth2_refresh_token"
	if o.RefreshToken.Literal == "" {
		option += "_eval"
	}
	if o.RefreshToken.Literal == "" && o.RefreshTokenEval.Source == "" {
		return o
	}
	u, err := url.Parse(o.RequestURL)
	switch {
	case o.RequestURL == "":
		v.problem(Warning, option, "it is not used, for there is no oauth2_request_url to use it at", "write oauth2_request_url = https://…, which the provider names")
	case err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u.Hostname()):
		v.wrong("oauth2_request_url", "", "%q is not an address that begins with https://", o.RequestURL)
	}
	return o
}

// loopback tells whether a host is this machine, to which secrets may go in clear.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// mechanisms reads what may be used to log in; tokens tells whether there is a
// token, which XOAUTH2 needs.
func (v view) mechanisms(tokens bool) []string {
	s, ok := v.text("auth_mechanisms")
	list := parseList(strings.ToUpper(s))
	if !ok {
		return list
	}
	known := parseList(v.deflt("auth_mechanisms"))
	usable := 0
	for _, m := range list {
		switch {
		case !slices.Contains(known, m):
			hint := didYouMean(m, known)
			if hint == "" {
				hint = "the known ones are " + strings.Join(known, ", ")
			}
			v.wrong("auth_mechanisms", hint, "unknown mechanism %q", m)
			usable++ // told enough
		case m == "GSSAPI":
			v.problem(Warning, "auth_mechanisms", m+" is not used yet: the others of the list are", "")
		case m == "XOAUTH2" && !tokens:
			v.problem(Warning, "auth_mechanisms", "XOAUTH2 is not used, for there is no token", "write oauth2_access_token_eval, or oauth2_refresh_token and what goes with it")
		default:
			usable++
		}
	}
	if usable == 0 {
		v.wrong("auth_mechanisms", "add PLAIN, or remove the line", "refusing account %q: none of these mechanisms can be used", v.account)
	}
	return list
}

func (v view) fingerprints() []string {
	s, _ := v.text("cert_fingerprint")
	var prints []string
	for _, item := range parseList(s) {
		p, err := fingerprint(item)
		if err != nil {
			v.wrong("cert_fingerprint", valueHint(s, ""), "%v", err)
			continue
		}
		prints = append(prints, p)
	}
	return prints
}

func (v view) password() Secret {
	var s Secret
	s.Literal, _ = v.text("remotepass")
	if quoted(s.Literal) {
		v.problem(Warning, "remotepass", "the quotation marks around it are part of the password", "remove them if they are not meant to be")
	}
	if file, _ := v.text("remotepassfile"); file != "" {
		s.File = v.absolute("remotepassfile", expandUser(file, os.Getenv)) // no variables: OfflineIMAP expands none here
		if info, err := os.Stat(s.File); err == nil && info.Mode().IsRegular() && info.Mode()&0o044 != 0 {
			v.problem(Warning, "remotepassfile", "others can read the password in "+s.File, "chmod 600 "+s.File)
		}
	}
	return s
}
