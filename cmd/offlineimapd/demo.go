package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// demo shows the program at work where there is no account, no network and no
// server: an IMAP server in memory, a Maildir in a temporary directory, and
// between them what a real run uses.
func demo(stdout, stderr io.Writer) int {
	dir, err := os.MkdirTemp("", "offlineimapd-demo-")
	if err == nil {
		defer os.RemoveAll(dir)
		d := &demonstration{dir: dir, stdout: stdout, stderr: stderr}
		err = d.show()
	}
	if err != nil {
		fmt.Fprintf(stderr, "offlineimapd: demo: %v\n", err)
		return exitError
	}
	return exitOK
}

type demonstration struct {
	dir            string
	stdout, stderr io.Writer
	other          *imapclient.Client // another mail program, on the phone perhaps
}

const demoUser = "demo"

func (d *demonstration) show() error {
	addr, stop, err := demoServer()
	if err != nil {
		return err
	}
	defer stop()
	if d.other, err = imapclient.DialInsecure(addr, nil); err != nil {
		return err
	}
	defer d.other.Close()
	if err := d.other.Login(demoUser, demoUser).Wait(); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(addr)
	config := fmt.Sprintf(`[general]
accounts = demo
metadata = %[1]s/state

[Account demo]
localrepository = here
remoterepository = there

[Repository here]
type = Maildir
localfolders = %[1]s/Mail

[Repository there]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = demo
remotepass = demo
ssl = no
starttls = no
`, d.dir, host, port)
	if err := os.WriteFile(d.config(), []byte(config), 0o600); err != nil {
		return err
	}

	fmt.Fprintf(d.stdout, "An IMAP server in memory on %s, with a few mails; a Maildir in %s, empty.\n\n$ offlineimapd --once\n", addr, d.dir)
	if err := d.sync(); err != nil {
		return err
	}
	if err := d.table(); err != nil {
		return err
	}
	fmt.Fprint(d.stdout, `
Now, on the server, a mail comes in, one is read and one deleted; and in the
Maildir one is flagged, one deleted, and a draft is written.

$ offlineimapd --once
`)
	if err := d.changeServer(); err != nil {
		return fmt.Errorf("change the server: %w", err)
	}
	if err := d.changeMaildir(); err != nil {
		return fmt.Errorf("change the Maildir: %w", err)
	}
	if err := d.sync(); err != nil {
		return err
	}
	if err := d.table(); err != nil {
		return err
	}
	fmt.Fprint(d.stdout, "\nAnd once more, with nothing to do:\n\n$ offlineimapd --once\n")
	return d.sync()
}

func (d *demonstration) config() string { return filepath.Join(d.dir, "config") }

func (d *demonstration) sync() error {
	if s := once(context.Background(), options{once: true, config: d.config()}, d.stdout, d.stderr); s != exitOK {
		return fmt.Errorf("the run ended with status %d", s)
	}
	return nil
}

// demoMail is a mail as it stands on the server.
func demoMail(n int, from, subject string) []byte {
	return fmt.Appendf(nil, "From: %s\r\nTo: you@example.org\r\nSubject: %s\r\nMessage-ID: <%d@example.org>\r\n"+
		"Date: Mon, 23 Nov 2026 09:%02d:00 +0000\r\n\r\nThis is mail number %d.\r\n", from, subject, n, n, n)
}

func demoServer() (addr string, stop func(), err error) {
	user := imapmemserver.NewUser(demoUser, demoUser)
	n := 0
	for _, m := range []struct{ folder, from, subject string }{
		{"INBOX", "ann@example.org", "Lunch on Friday?"},
		{"INBOX", "bob@example.org", "The figures you asked for"},
		{"INBOX", "shop@example.com", "Your order has been sent"},
		{"INBOX", "ann@example.org", "Re: Lunch on Friday?"},
		{"Lists/go", "list@example.net", "[go] release notes"},
		{"Lists/go", "list@example.net", "[go] a question about channels"},
	} {
		if n++; n == 1 || n == 5 {
			if err := user.Create(m.folder, nil); err != nil {
				return "", nil, err
			}
		}
		if _, err := user.Append(m.folder, literal{bytes.NewReader(demoMail(n, m.from, m.subject))}, &imap.AppendOptions{}); err != nil {
			return "", nil, err
		}
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		InsecureAuth: true,
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go srv.Serve(ln)
	return ln.Addr().String(), func() { srv.Close() }, nil
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func (d *demonstration) changeServer() error {
	body := demoMail(7, "carl@example.org", "New on the server")
	a := d.other.Append("INBOX", int64(len(body)), nil)
	if _, err := a.Write(body); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	if _, err := a.Wait(); err != nil {
		return err
	}
	if _, err := d.other.Select("INBOX", nil).Wait(); err != nil {
		return err
	}
	read := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
	if err := d.other.Store(imap.SeqSetNum(1), read, nil).Close(); err != nil {
		return err
	}
	gone := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := d.other.Store(imap.SeqSetNum(3), gone, nil).Close(); err != nil {
		return err
	}
	return d.other.Expunge().Close()
}

func (d *demonstration) changeMaildir() error {
	for path, m := range d.maildir() {
		var err error
		switch m.subject {
		case "The figures you asked for":
			err = os.Rename(path, filepath.Join(d.dir, "Mail/INBOX/cur", strings.TrimSuffix(filepath.Base(path), ",")+",F"))
		case "[go] release notes":
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	draft := strings.ReplaceAll(string(demoMail(8, "you@example.org", "Written offline")), "\r\n", "\n")
	return os.WriteFile(filepath.Join(d.dir, "Mail/INBOX/cur/1795393443.R1.here:2,DS"), []byte(draft), 0o600)
}

// demoLine is a mail as the table shows it.
type demoLine struct{ folder, subject, flags string }

func subjectOf(body []byte) string {
	for line := range bytes.Lines(body) {
		if s, ok := bytes.CutPrefix(line, []byte("Subject: ")); ok {
			return string(bytes.TrimSpace(s))
		}
	}
	return "(no subject)"
}

// maildir reads the Maildir as any mail reader would: path by path.
func (d *demonstration) maildir() map[string]demoLine {
	found := map[string]demoLine{}
	root := filepath.Join(d.dir, "Mail")
	filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		dir := filepath.Dir(path)
		if b := filepath.Base(dir); err != nil || e.IsDir() || b != "cur" && b != "new" {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, _ := filepath.Rel(root, filepath.Dir(dir))
		_, flags, _ := strings.Cut(filepath.Base(path), ":2,")
		found[path] = demoLine{folder, subjectOf(body), flags}
		return nil
	})
	return found
}

// server asks the server, by another client than ours.
func (d *demonstration) server() ([]demoLine, error) {
	boxes, err := d.other.List("", "*", nil).Collect()
	if err != nil {
		return nil, err
	}
	letters := map[imap.Flag]string{imap.FlagDraft: "D", imap.FlagFlagged: "F", imap.FlagAnswered: "R", imap.FlagSeen: "S", imap.FlagDeleted: "T"}
	var out []demoLine
	for _, b := range boxes {
		sel, err := d.other.Select(b.Mailbox, nil).Wait()
		if err != nil || sel.NumMessages == 0 {
			continue
		}
		all := imap.SeqSet{}
		all.AddRange(1, sel.NumMessages)
		msgs, err := d.other.Fetch(all, &imap.FetchOptions{Flags: true, Envelope: true}).Collect()
		if err != nil {
			return nil, err
		}
		for _, m := range msgs {
			var flags []string
			for _, f := range m.Flags {
				flags = append(flags, letters[f])
			}
			slices.Sort(flags)
			out = append(out, demoLine{strings.ReplaceAll(b.Mailbox, "/", "."), m.Envelope.Subject, strings.Join(flags, "")})
		}
	}
	return out, nil
}

// table prints both sides next to each other.
func (d *demonstration) table() error {
	remote, err := d.server()
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	type sides struct{ local, remote string }
	rows := map[[2]string]*sides{}
	at := func(l demoLine) *sides {
		k := [2]string{l.folder, l.subject}
		if rows[k] == nil {
			rows[k] = &sides{"missing", "missing"}
		}
		return rows[k]
	}
	say := func(flags string) string {
		if flags == "" {
			return "there"
		}
		return "there, " + flags
	}
	for _, l := range d.maildir() {
		at(l).local = say(l.flags)
	}
	for _, l := range remote {
		at(l).remote = say(l.flags)
	}
	keys := make([][2]string, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	w := tabwriter.NewWriter(d.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\nFOLDER\tSUBJECT\tMAILDIR\tSERVER")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k[0], k[1], rows[k].local, rows[k].remote)
	}
	return w.Flush()
}
