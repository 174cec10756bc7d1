package testenv

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Message is one mail as an independent reader sees it.
type Message struct {
	UID    uint32
	Flags  []string // sorted, without \Recent; system flags in RFC 9051's spelling
	Date   time.Time
	Size   int64  // octets that the server gave
	SHA256 string // of the octets after CRLF -> LF, in hex
}

// Mailer is a plain IMAP client, one command at a time, for arranging and
// checking. Mailbox names are as on the wire. Errors are Fatal, and NO and BAD
// are errors.
type Mailer struct {
	t        T
	nc       net.Conn
	in       *bufio.Reader
	caps     map[string]bool
	tag      int
	selected string

	// Edit, where not nil, is applied to bodies before they are hashed: for
	// programs that add a header of their own.
	Edit func([]byte) []byte
}

// patience is how long the Mailer waits for any one piece of an answer.
const patience = 60 * time.Second

// Client logs in at addr.
func Client(t T, addr, user, pass string) *Mailer {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatalf("mailer: %v", err)
	}
	return clientOn(t, nc, user, pass)
}

// clientOn logs in on a connection that is there.
func clientOn(t T, nc net.Conn, user, pass string) *Mailer {
	t.Helper()
	m := &Mailer{t: t, nc: nc, in: bufio.NewReaderSize(nc, 64<<10)}
	t.Cleanup(m.Close)
	if r := m.response(); r.word(1) != "OK" {
		t.Fatalf("mailer: greeting %q", r.text)
	}
	m.must(nil, "LOGIN ", text(user), " ", text(pass))
	m.readCaps()
	return m
}

func (m *Mailer) readCaps() {
	m.t.Helper()
	m.caps = map[string]bool{}
	m.must(func(r *response) {
		if r.word(1) == "CAPABILITY" {
			for _, c := range strings.Fields(r.text)[2:] {
				m.caps[strings.ToUpper(c)] = true
			}
		}
	}, "CAPABILITY")
}

// Append adds a mail as it is, and returns its UID where the server says (else 0).
func (m *Mailer) Append(mailbox string, body []byte, date time.Time, flags ...string) uint32 {
	m.t.Helper()
	var args strings.Builder
	if len(flags) > 0 {
		fmt.Fprintf(&args, " (%s)", strings.Join(flags, " "))
	}
	if !date.IsZero() {
		fmt.Fprintf(&args, " %q", date.Format("_2-Jan-2006 15:04:05 -0700"))
	}
	r := m.must(nil, "APPEND ", text(mailbox), args.String()+" ", literal(body))
	_, code, _ := strings.Cut(r.text, "[APPENDUID ")
	code, _, _ = strings.Cut(code, "]")
	_, uid, _ := strings.Cut(code, " ")
	n, _ := strconv.ParseUint(uid, 10, 32)
	return uint32(n)
}

// Store sends UID STORE set item (+FLAGS, -FLAGS or FLAGS) flags.
func (m *Mailer) Store(mailbox, set, item string, flags ...string) {
	m.t.Helper()
	m.pick("SELECT", mailbox)
	m.must(nil, fmt.Sprintf("UID STORE %s %s.SILENT (%s)", set, item, strings.Join(flags, " ")))
}

// Expunge removes the mails of a UID set for good; where the server lacks
// UIDPLUS, also what others marked.
func (m *Mailer) Expunge(mailbox, set string) {
	m.t.Helper()
	m.Store(mailbox, set, "+FLAGS", `\Deleted`)
	if m.caps["UIDPLUS"] || m.caps["IMAP4REV2"] {
		m.must(nil, "UID EXPUNGE "+set)
	} else {
		m.must(nil, "EXPUNGE")
	}
}

// Create makes a mailbox.
func (m *Mailer) Create(mailbox string) { m.t.Helper(); m.must(nil, "CREATE ", text(mailbox)) }

// Delete deletes a mailbox.
func (m *Mailer) Delete(mailbox string) {
	m.t.Helper()
	m.leave()
	m.must(nil, "DELETE ", text(mailbox))
}

// Rename renames a mailbox.
func (m *Mailer) Rename(from, to string) {
	m.t.Helper()
	m.leave()
	m.must(nil, "RENAME ", text(from), " ", text(to))
}

// Subscribe subscribes a mailbox.
func (m *Mailer) Subscribe(mailbox string) { m.t.Helper(); m.must(nil, "SUBSCRIBE ", text(mailbox)) }

// leave gives up the selected mailbox by selecting another, which every server
// can do (RFC 3691 is an extension).
func (m *Mailer) leave() {
	m.t.Helper()
	m.pick("EXAMINE", "INBOX")
}

// Mailboxes lists the selectable mailboxes, sorted.
func (m *Mailer) Mailboxes() []string {
	m.t.Helper()
	var names []string
	m.must(func(r *response) {
		if r.word(1) != "LIST" || len(r.values) < 5 {
			return
		}
		attrs := strings.ToLower(fmt.Sprint(r.values[2]))
		if !strings.Contains(attrs, `\noselect`) && !strings.Contains(attrs, `\nonexistent`) {
			names = append(names, stringOf(r.values[4]))
		}
	}, `LIST "" "*"`)
	slices.Sort(names)
	return slices.Compact(names)
}

// pick selects a mailbox anew, so that what others did is seen; it returns
// UIDVALIDITY and the number of mails.
func (m *Mailer) pick(verb, mailbox string) (validity uint32, exists int) {
	m.t.Helper()
	m.must(func(r *response) {
		if r.word(2) == "EXISTS" {
			exists, _ = strconv.Atoi(r.word(1))
		}
		if _, rest, ok := strings.Cut(r.text, "[UIDVALIDITY "); ok {
			digits, _, _ := strings.Cut(rest, "]")
			n, _ := strconv.ParseUint(digits, 10, 32)
			validity = uint32(n)
		}
	}, verb+" ", text(mailbox))
	m.selected = mailbox
	return validity, exists
}

// UIDValidity returns the mailbox's UIDVALIDITY.
func (m *Mailer) UIDValidity(mailbox string) uint32 {
	m.t.Helper()
	validity, _ := m.pick("EXAMINE", mailbox)
	return validity
}

// Snapshot reads every mailbox, without changing a flag; mails ascend by UID.
func (m *Mailer) Snapshot() map[string][]Message {
	m.t.Helper()
	all := map[string][]Message{}
	for _, name := range m.Mailboxes() {
		all[name] = m.Messages(name)
	}
	return all
}

// Messages reads one mailbox.
func (m *Mailer) Messages(mailbox string) []Message {
	m.t.Helper()
	_, exists := m.pick("EXAMINE", mailbox)
	list := make([]Message, 0, exists)
	if exists == 0 {
		return list
	}
	m.must(func(r *response) {
		if r.word(2) == "FETCH" && len(r.values) > 3 {
			if msg, ok := m.message(r.values[3]); ok {
				list = append(list, msg)
			}
		}
	}, "UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
	slices.SortFunc(list, func(a, b Message) int { return int(int64(a.UID) - int64(b.UID)) })
	if len(list) != exists {
		m.t.Fatalf("mailer: %q has %d mails but gave %d", mailbox, exists, len(list))
	}
	return list
}

// message reads the attributes of one FETCH response; it is no mail where the
// body is missing (an unasked FETCH with flags).
func (m *Mailer) message(v any) (Message, bool) {
	m.t.Helper()
	items, _ := v.([]any)
	var msg Message
	for i := 0; i+1 < len(items); i += 2 {
		switch name := strings.ToUpper(stringOf(items[i])); name {
		case "UID":
			n, _ := strconv.ParseUint(stringOf(items[i+1]), 10, 32)
			msg.UID = uint32(n)
		case "FLAGS":
			flags, _ := items[i+1].([]any)
			for _, f := range flags {
				if flag := flagName(stringOf(f)); flag != `\Recent` {
					msg.Flags = append(msg.Flags, flag)
				}
			}
			slices.Sort(msg.Flags)
		case "INTERNALDATE":
			date, err := time.Parse("_2-Jan-2006 15:04:05 -0700", stringOf(items[i+1]))
			if err != nil {
				m.t.Fatalf("mailer: %v", err)
			}
			msg.Date = date
		case "BODY[]":
			b := bodyOf(items[i+1])
			msg.Size, msg.SHA256 = b.size, b.sum
		}
	}
	return msg, msg.SHA256 != ""
}

// flagName spells a system flag as RFC 9051 does.
func flagName(f string) string {
	for _, name := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, `\Recent`} {
		if strings.EqualFold(f, name) {
			return name
		}
	}
	return f
}

// Body returns the octets of one mail, nil where there is none.
func (m *Mailer) Body(mailbox string, uid uint32) []byte {
	m.t.Helper()
	m.pick("EXAMINE", mailbox)
	var body []byte
	m.must(func(r *response) {
		if r.word(2) != "FETCH" || len(r.values) < 4 {
			return
		}
		items, _ := r.values[3].([]any)
		for i := 0; i+1 < len(items); i += 2 {
			if strings.EqualFold(stringOf(items[i]), "BODY[]") {
				body = bodyOf(items[i+1]).data
			}
		}
	}, fmt.Sprintf("UID FETCH %d BODY.PEEK[]", uid))
	return body
}

// Command sends one raw command without its tag and returns every line of the
// answer, literals left out, for what has no method here. NO and BAD are no
// failure: the last line tells.
func (m *Mailer) Command(line string) []string {
	m.t.Helper()
	var lines []string
	last := m.run(func(r *response) { lines = append(lines, r.text) }, line)
	return append(lines, last.text)
}

// Close logs out; Cleanup does so too.
func (m *Mailer) Close() {
	if m.nc == nil {
		return
	}
	_ = m.nc.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(m.nc, "z LOGOUT\r\n"); err == nil {
		for err == nil {
			_, err = m.in.ReadSlice('\n')
			if err == bufio.ErrBufferFull {
				err = nil
			}
		}
	}
	m.nc.Close()
	m.nc = nil
}
