package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// differs are the examples that are more here than in OfflineIMAP, as the
// documentation promises.
var differs = map[string]string{
	"foldersort": `{"function":[1,-1,0]}`, // cmp is none of Python 3
}

// untyped are the options whose value nothing takes up yet, so that only their
// text can be compared.
var untyped = map[string]bool{
	"gmailtrashfolder": true, "quick": true, "synclabels": true, "labelsheader": true, "ignorelabels": true, "decodefoldernames": true, "holdconnectionopen": true, "keepalive": true, "retrycount": true, "trashfolder": true,
}

// sampleFolders and sampleCalls are what sample.py calls functions with.
var (
	sampleFolders = []any{"INBOX", "INBOX.Sent", "INBOX..x", "Sent", "Sent Mail", "Trash", "Deleted Items", "Del", "Received", "debian.user", ""}
	sampleCalls   = map[string][][]any{
		"foldersort":   {{"a", "b"}, {"b", "a"}, {"a", "a"}},
		"sort_keyfunc": {{pyexpr.Dict{{Key: "accountname", Value: "A"}, {Key: "foldername", Value: "INBOX"}, {Key: "localfolders", Value: "/m"}}}},
		"newmail_hook": {},
	}
)

// plainValue is what JSON can hold of a value; an object that is none of them is
// true.
func plainValue(v any) any {
	list := func(items []any) any {
		out := []any{}
		for _, item := range items {
			out = append(out, plainValue(item))
		}
		return out
	}
	switch v := v.(type) {
	case nil, bool, string, int64, float64:
		return v
	case pyexpr.List:
		return list(v)
	case pyexpr.Tuple:
		return list(v)
	}
	return true
}

func evaluated(t *testing.T, name string, e Expression) any {
	failed := func(err error) any {
		var raised *pyexpr.Error
		switch {
		case errors.As(err, &raised):
			return map[string]any{"error": raised.Kind}
		case errors.Is(err, pyexpr.ErrUnsupported): // no Python that does not know the name either
			return map[string]any{"error": "NameError"}
		}
		t.Errorf("%s: %v", name, err)
		return nil
	}
	v, err := pyexpr.Eval(context.Background(), e.Source)
	if err != nil {
		return failed(err)
	}
	f, ok := v.(pyexpr.Func)
	if !ok {
		return plainValue(v)
	}
	calls, ok := sampleCalls[name]
	if !ok {
		for _, folder := range sampleFolders {
			calls = append(calls, []any{folder})
		}
	}
	results := []any{}
	for _, args := range calls {
		v, err := f.Call(context.Background(), args...)
		if err != nil {
			v = failed(err)
		} else {
			v = plainValue(v)
		}
		results = append(results, v)
	}
	return map[string]any{"function": results}
}

// typed is what an option of the sample is in a Config.
func typed(t *testing.T, c *Config, section, name string) any {
	g, a := c.General, c.Account("Test")
	local, remote := a.Local, a.Remote
	switch section {
	case "Repository GmailLocalExample":
		local = c.Account("Gmail").Local
	case "Repository GmailExample":
		remote = c.Account("Gmail").Remote
	}
	side := remote
	if section == "Repository LocalExample" || section == "Repository GmailLocalExample" {
		side = local
	}
	m, i := local.Maildir, remote.IMAP
	date := func(l Limits) any {
		if !l.Since.IsZero() {
			return l.Since.Format("2006-01-02")
		}
		return fmt.Sprint(l.MaxAge)
	}
	b := g.MBNames
	values := map[string]any{
		"metadata": g.Metadata, "accounts": g.Accounts, "maxsyncaccounts": g.MaxSyncAccounts, "ui": g.UI, "ignore-readonly": g.IgnoreReadonly,
		"pythonfile": g.PythonFile, "socktimeout": g.SockTimeout.Seconds(), "fsync": g.Fsync,
		"filename": b.Filename, "header": b.Header, "peritem": b.PerItem, "footer": b.Footer, "incremental": b.Incremental, "sort_keyfunc": b.SortKey,
		"localrepository": a.Local.Name, "remoterepository": a.Remote.Name, "autorefresh": a.AutoRefresh.Minutes(), "presynchook": a.PreSyncHook,
		"postsynchook": a.PostSyncHook, "maxsize": a.Limits.MaxSize, "maxage": date(a.Limits), "maildir-windows-compatible": m.WindowsCompatible,
		"proxy": a.Proxy.Type + ":" + a.Proxy.Addr, "authproxy": a.AuthProxy.Type + ":" + a.AuthProxy.Addr, "filterheaders": a.FilterHeaders, "utf8foldernames": a.UTF8FolderNames,
		"type": side.Type, "localfolders": m.LocalFolders, "startdate": side.StartDate.Format("2006-01-02"), "sync_deletes": side.SyncDeletes,
		"restoreatime": m.RestoreATime, "utime_from_header": m.UTimeFromHeader, "filename_use_mail_timestamp": m.FilenameTimestamp,
		"customflag_a": m.CustomFlags['a'], "customflag_b": m.CustomFlags['b'], "customflag_c": m.CustomFlags['c'], "customflag_d": m.CustomFlags['d'],
		"ipv6": i.IPv6, "remotehosteval": i.HostEval, "remoteporteval": i.PortEval, "remoteusereval": i.UserEval, "remotepasseval": i.PassEval,
		"remotehost": i.Host, "starttls": i.StartTLS, "ssl": i.SSL, "sslclientcert": i.ClientCert, "sslclientkey": i.ClientKey, "sslcacertfile": i.CACertFile,
		"cert_fingerprint": i.CertFingerprints, "ssl_version": i.SSLVersion, "tls_level": i.TLSLevel, "remoteport": i.Port, "remoteuser": i.User,
		"auth_mechanisms": i.AuthMechanisms, "remotepass": i.Password.Literal, "remotepassfile": i.Password.File, "preauthtunnel": i.PreauthTunnel,
		"transporttunnel": i.TransportTunnel, "reference": i.Reference, "idlefolders": i.IdleFolders, "usecompression": i.UseCompression,
		"maxconnections": i.MaxConnections, "singlethreadperfolder": i.SingleThread, "expunge": i.Expunge, "subscribedonly": i.SubscribedOnly,
		"remote_identity": i.Identity, "oauth2_client_id": i.OAuth.ClientID, "oauth2_client_secret": i.OAuth.ClientSecret.Literal,
		"oauth2_client_id_eval": i.OAuth.ClientIDEval, "oauth2_client_secret_eval": i.OAuth.ClientSecretEval, "oauth2_access_token": i.OAuth.AccessToken.Literal,
		"oauth2_refresh_token": i.OAuth.RefreshToken.Literal, "oauth2_access_token_eval": i.OAuth.AccessTokenEval,
		"oauth2_refresh_token_eval": i.OAuth.RefreshTokenEval, "oauth2_request_url": i.OAuth.RequestURL,
		"nametrans": side.NameTrans, "dynamic_folderfilter": side.DynamicFolderFilter, "folderfilter": side.FolderFilter,
		"folderincludes": side.FolderIncludes, "createfolders": side.CreateFolders, "foldersort": i.FolderSort, "readonly": side.ReadOnly,
		"newmail_hook": i.NewMailHook, "copy_ignore_eval": i.CopyIgnore, "sep": string(rune(m.Sep)),
	}
	if section == "mbnames" {
		values["enabled"], values["sep"], values["folderfilter"] = b.Enabled, b.Sep, b.Filter
	}
	v, ok := values[name]
	if !ok {
		t.Errorf("nothing says what %s is", name)
	}
	if e, ok := v.(Expression); ok {
		return evaluated(t, name, e)
	}
	return v
}

// same compares as JSON does.
func same(t *testing.T, got any, want string) (string, bool) {
	t.Helper()
	js, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(js, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	return string(js), reflect.DeepEqual(a, b)
}

// value compares what an option of the sample is with what it is in OfflineIMAP.
func (e example) value(t *testing.T, path string) {
	if untyped[e.Option] {
		return
	}
	var overrides []Override
	if e.Section == "mbnames" && e.Option != "enabled" { // else nothing of it is read
		for _, o := range []Override{{"mbnames", "enabled", "yes"}, {"mbnames", "filename", "/x"}, {"mbnames", "header", "''"}, {"mbnames", "peritem", "x"},
			{"mbnames", "sep", "''"}, {"mbnames", "footer", "''"}} {
			if o.Option != e.Option {
				overrides = append(overrides, o)
			}
		}
	}
	c, problems, err := Load(path, overrides...)
	for _, p := range problems {
		if p.Option == e.Option && p.Severity == Error {
			return // which TestSample judges
		}
	}
	if err != nil {
		t.Errorf("line %d: %v", e.Line, err)
		return
	}
	want := string(e.Is)
	if d, ok := differs[e.Option]; ok {
		want = d
	}
	if got, ok := same(t, typed(t, c, e.Section, e.Option), want); !ok {
		t.Errorf("line %d: [%s] %s is %s, in OfflineIMAP %s", e.Line, e.Section, e.Option, got, want)
	}
}
