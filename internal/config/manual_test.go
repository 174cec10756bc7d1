package config

import (
	"os"
	"strings"
	"testing"
)

// deviations are the differences from testdata/options.tsv, each with its reason.
var deviations = map[string]string{
	"imap maxconnections":                 "OfflineIMAP's threads may be two even then, and one connection makes the first run slow",
	"imap trashfolder":                    "no version since 7.0 uses it",
	"imap spamfolder":                     "no version since 7.0 uses it",
	"imap singlethreadperfolder":          "it is not asked for",
	"imap holdconnectionopen":             "idlefolders does not need it",
	"imap keepalive":                      "idlefolders does not need it",
	"maildir utime_from_header":           "one row stands for both sections",
	"maildir filename_use_mail_timestamp": "one row stands for both sections",
}

// own are the options that OfflineIMAP does not have.
var own = map[string]string{
	"hook_changes": "the list of the changed files on standard input of the hooks",
	"hook_timeout": "how long a hook may take",
}

// Every option of OfflineIMAP is known, in its section, with its type and
// default; every other one is obsolete or of our own.
func TestOptionsOfOfflineIMAP(t *testing.T) {
	tsv, err := os.ReadFile("testdata/options.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]kind{"general": inGeneral, "mbnames": inMbnames, "account": inAccount, "repository": inRepository, "maildir": inMaildir, "imap": inIMAP}
	there := map[string]kind{}
	for line := range strings.Lines(string(tsv)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			t.Fatalf("%q has %d fields", line, len(f))
		}
		in, name := kinds[f[0]], f[1]
		there[name] |= in
		id := f[0] + " " + name
		for k := kind(1); k <= inIMAP; k <<= 1 {
			if k&in == 0 {
				continue
			}
			o, ok := find(name, k)
			if !ok {
				t.Errorf("%s is not known", id)
				continue
			}
			deflt := f[3]
			if strings.HasPrefix(deflt, "(") {
				deflt = ""
			}
			differs := string(o.typ) != f[2] || o.deflt != deflt
			if _, named := deviations[id]; differs != named {
				t.Errorf("%s is %s with default %q, in OfflineIMAP %s with %q; deviation named: %v", id, o.typ, o.deflt, f[2], f[3], named)
			}
		}
	}
	for _, o := range options {
		if own[o.name] != "" || o.state == obsolete {
			continue
		}
		for name, in := range kinds {
			if in != inRepository && o.in&in&^there[o.name] != 0 && deviations[name+" "+o.name] == "" {
				t.Errorf("%s is known in section %s, where OfflineIMAP does not have it", o.name, name)
			}
		}
	}
}
