package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// patterns are the ways in which people write options that are evaluated, each
// of which one configuration at least must have.
var patterns = []string{
	// folderfilter
	`folderfilter = lambda f: f in \['INBOX', 'Sent'\]`,
	`folderfilter = lambda folder: folder not in \['\[Gmail\]/Spam', `,
	`folderfilter = lambda f: f in \('INBOX', 'Minutes'\)`,
	`folderfilter = lambda folder: folder not in \[\n( +'[^\n]+',\n)+ +\]\n`,
	`folderfilter = lambda f: f in \['INBOX'\] # , 'Sent'`,
	`folderfilter = lambda f: f == 'INBOX'`,
	`folderfilter = lambda f: f\.startswith\('Work/'\)`,
	`not f\.startswith\('To/'\) and not f\.startswith\('Git/'\) and f not in \(`,
	`lambda f: not \(f in \[.*\] or f\.startswith\(`,
	`lambda f: f == 'INBOX' or \('envoy' in f\)`,
	`lambda f: re\.search\('\^Lists\\\.', f\)`,
	`not re\.search\('\(\^Trash\$\|Old\)'`,
	`not re\.match\('\(\?i\)spam\|`,
	`f not in \['X'\] and f\[:3\] != 'Old'`,
	`not f\.lower\(\)\.endswith\('archive'\)`,
	`not any\(f\.startswith\(p\) for p in \['a/', 'b/'\]\)`,
	`folderfilter = gmail_folderfilter`,
	`folderfilter = exclude\(\['A', 'B'\]\)`,
	`folderfilter = lambda f: True`,
	`folderfilter = lambda foldername : foldername not in \[ '`,
	`'G&AOQ-ste'`,
	// nametrans
	`nametrans = lambda f: re\.sub\(r'\^INBOX\\\.', '', f\)`,
	`nametrans = lambda f: re\.sub\('\^INBOX\\\.\*', '\.', f\)`,
	`re\.sub\('\^\\\[Gmail\\\]/', '', folder\)`,
	`nametrans = lambda folder: (re\.sub\('[^']+', '[^']*',\s+){7}re\.sub\(`,
	`re\.sub\('\^', 'Gmail/', f\)`,
	`re\.sub\('\(\.\+\)\(\\\\\.\)\(\.\+\)', '\\\\1_\\\\3', f\)[^$]*re\.sub\('\(\^\.\{1\}\)', '\.\\\\1', f\)`,
	`re\.sub\('\^\(Starred\|Drafts\|Spam\)\$', r'\[Gmail\]/\\1', f\)`,
	`nametrans = lambda folder: \{'\[Gmail\]/[^}]*\}\.get\(folder, folder\)`,
	`dict\(\(v, k\) for k, v in \{[^}]*\}\.iteritems\(\)\)\.get\(s, s\)`,
	`\{v: k for k, v in .*\.items\(\)\}`,
	`lambda f: 'INBOX' if f == '' else f\.replace\('\.', '', 1\)`,
	`f if f in \['INBOX','Sent'\] \\\n    else re\.sub\(r'\^', 'GMX\.', f\)`,
	`\(\(f == 'INBOX'\) and f\) or re\.sub\(r'\^', r'INBOX\.', f\)`,
	`lambda f: 'INBOX\.' \+ f\n[^$]*`,
	`f\.replace\('\[Gmail\]/', ''\)\.replace\(' ', '_'\)`,
	`f\.title\(\)\.strip\(\)\.lstrip\('\.'\)`,
	`'/'\.join\(f\.split\('/'\)\[1:\]\)`,
	`lambda f: f\[6:\]`,
	`'%%s\.%%s' %% \('acc', f\)[^$]*'\{\}/\{\}'\.format\('acc', f\)[^$]*f'INBOX\.\{f\}'`,
	`f\.decode\('imap4-utf-7'\)\.encode\('utf-8'\)`,
	`nametrans = oimaptransfolder_acc1`,
	`lambda f: convert_utf7_to_utf8\(f\)`,
	`nametrans = lambda f: 'INBOX'\n`,
	`re\.sub\('\^inbox', 'Inbox', f, flags=re\.I\)`,
	`re\.sub\(r'&-', lambda m: '&', f\)`,
	`nametrans = lambda f: \\\n    re\.sub`,
	// lists, order, hooks
	`folderincludes = \[\][^$]*folderincludes = \['debian\.user', 'debian\.personal'\]`,
	`idlefolders = \['INBOX', "Lists"\]`,
	`foldersort = lambda x, y: -cmp\(x, y\)[^$]*len\(x\) - len\(y\)[^$]*foldersort = %\(INBOX_FIRST\)s`,
	`lambda: os\.system\("osascript -e `,
	`copy_ignore_eval = lambda x: \{'INBOX': range\(2422, 5500\)\}\.get\(x\)`,
	`lambda d: d\['foldername'\] != 'INBOX'`,
	`folderfilter = lambda accountname, foldername: foldername not in`,
	`header = "mailboxes \\\\ \\n"[^$]*sep = " \\\\\\\\\\n"\nfooter = ''`,
	// credentials
	`get_password\("imap\.example\.net", "me@example\.net"\)`,
	`get_pass\(account="[^"]+", server="[^"]+", passwd_file="[^"]+"\)`,
	`get_pass\(0, \["pass", "show", "mail/x"\]\)\.decode\(\)`,
	`keyring\.get_password\("`,
	`os\.getenv\("MAIL_HOST"\)[^$]*int\(environ\["MAIL_PORT"\]\)[^$]*os\.environ\['MAIL_PASS'\]`,
	`remotepasseval: 'plain-password'`,
	`subprocess\.check_output\(\["pass", "mail/gmail"\]\)\.strip\(\)`,
	`get_authinfo\("imap\.example\.net", 993\)\["password"\]`,
	`oauth2_access_token_eval = lambda _: token\(\)`,
	`oauth2_access_token_eval = get_token\('me@corp'\)`,
}

// Configurations as people have them are not complained of without a reason:
// what is said about each is in a golden file, and only those whose name begins
// with refused- need something that there is not yet.
func TestConfigCheckOfRealLife(t *testing.T) {
	bin := install(t)
	home := t.TempDir()
	if err := os.CopyFS(home, os.DirFS("testdata/configs/home")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(home, ".offlineimap/password"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("testdata/configs/*")
	if err != nil {
		t.Fatal(err)
	}
	found := make([]bool, len(patterns))
	good := 0
	for _, path := range paths {
		name := filepath.Base(path)
		if name == "home" || strings.HasSuffix(name, ".golden") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range patterns {
			found[i] = found[i] || regexp.MustCompile(p).Match(src)
		}
		if err := os.WriteFile(filepath.Join(home, ".offlineimaprc"), src, 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(filepath.Join(bin, "offlineimapctl"), "config", "check")
		check.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
		out, err := check.CombinedOutput()
		status, ok := exitStatus(err)
		if !ok {
			t.Fatal(err)
		}
		want := 0
		if strings.HasPrefix(name, "refused-") {
			want = 78
		} else {
			good++
		}
		text := strings.ReplaceAll(string(out), home, "~")
		if status != want {
			t.Errorf("%s: status %d, want %d\n%s", name, status, want, text)
		}
		golden(t, "configs/"+name, text)
		if bytes.Contains(out, []byte("correct horse")) || bytes.Contains(out, []byte("not-so-secret")) {
			t.Errorf("%s: a secret is in %s", name, text)
		}
	}
	if good < 30 {
		t.Errorf("only %d configurations", good)
	}
	for i, ok := range found {
		if !ok {
			t.Errorf("no configuration has pattern %d: %s", i+1, patterns[i])
		}
	}
	if len(patterns) != 65 {
		t.Errorf("%d patterns", len(patterns))
	}
}
