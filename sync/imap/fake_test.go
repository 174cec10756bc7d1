package imap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fake is a server that says what a test has it say.
type fake struct {
	t        testing.TB
	greeting string
	// answer returns what to say to a command, whose literals stand within it; a
	// line "OK ...", "NO ..." or "BAD ..." gets the tag, all others go as they
	// are. "" is an OK. "-" closes the connection, and so does a BYE.
	answer func(cmd string) string
	// refuse, where not nil, has the say about connection n (from 0) at its greeting.
	refuse func(n int) (greeting string)

	// literal, where not nil, may answer a command in place of letting its literal
	// n (from 0) come.
	literal func(n int) string
	flight  func() // called when the server has answered all and waits
	slices  bool   // answers go out as they are, unparsed

	mu    sync.Mutex
	conns int
	said  []string // commands that came
	ln    net.Listener
	wg    sync.WaitGroup
}

const fakeCaps = "IMAP4rev1 SASL-IR LITERAL+ ENABLE CONDSTORE QRESYNC UIDPLUS ESEARCH LIST-EXTENDED LIST-STATUS UNSELECT AUTH=PLAIN"

// serve starts the server; what answer does not care for is answered sensibly.
func (f *fake) serve(t testing.TB) *fake {
	t.Helper()
	f.t = t
	if f.greeting == "" {
		f.greeting = "* PREAUTH [CAPABILITY " + fakeCaps + "] ready"
	}
	var err error
	if f.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	f.wg.Go(func() {
		for {
			nc, err := f.ln.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.session(nc) })
		}
	})
	t.Cleanup(func() { f.ln.Close(); f.wg.Wait() })
	return f
}

// store returns a store over the server, which is closed before the server is.
func (f *fake) store(change func(*Options)) *Store {
	o := options(f.ln.Addr().String(), "joe", "secret")
	if change != nil {
		change(&o)
	}
	s := New(o)
	f.t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// commands returns what came so far and matches.
func (f *fake) commands(pattern string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	re := regexp.MustCompile(pattern)
	var out []string
	for _, c := range f.said {
		if re.MatchString(c) {
			out = append(out, c)
		}
	}
	return out
}

var literalEnd = regexp.MustCompile(`\{(\d+)(\+?)\}\r\n$`)

func (f *fake) session(nc net.Conn) {
	defer nc.Close()
	r, w := bufio.NewReader(nc), bufio.NewWriter(nc)
	f.mu.Lock()
	n := f.conns
	f.conns++
	f.mu.Unlock()
	greeting := f.greeting
	if f.refuse != nil {
		if g := f.refuse(n); g != "" {
			fmt.Fprintf(nc, "%s\r\n", g)
			return
		}
	}
	fmt.Fprintf(w, "%s\r\n", greeting)
	for {
		if r.Buffered() == 0 {
			if w.Buffered() > 0 && f.flight != nil {
				f.flight()
			}
			w.Flush()
		}
		line, err := f.command(r, w)
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		f.mu.Lock()
		f.said = append(f.said, cmd)
		f.mu.Unlock()
		a := ""
		if f.answer != nil {
			a = f.answer(cmd)
		}
		if a == "-" {
			w.Flush()
			return
		}
		if a == "" {
			a = usual(cmd)
		}
		if i := strings.LastIndex(a, "\n") + 1; f.slices {
			io.WriteString(w, a[:i])
			a = a[i:]
		}
		for _, l := range strings.SplitAfter(a, "\r\n") {
			if strings.HasPrefix(l, "OK") || strings.HasPrefix(l, "NO") || strings.HasPrefix(l, "BAD") {
				l = tag + " " + l
			}
			io.WriteString(w, l)
		}
		if !strings.HasSuffix(a, "\r\n") {
			io.WriteString(w, "\r\n")
		}
		if strings.Contains(a, "* BYE") {
			w.Flush()
			return
		}
	}
}

// command reads a command with its literals.
func (f *fake) command(r *bufio.Reader, w *bufio.Writer) (string, error) {
	var sb strings.Builder
	for k := 0; ; k++ {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		sb.WriteString(line)
		m := literalEnd.FindStringSubmatch(line)
		if m == nil {
			return sb.String(), nil
		}
		if m[2] == "" {
			if f.literal != nil {
				if a := f.literal(k); a != "" {
					tag, _, _ := strings.Cut(sb.String(), " ")
					fmt.Fprintf(w, "%s %s\r\n", tag, a)
					sb.Reset()
					w.Flush()
					continue
				}
			}
			fmt.Fprint(w, "+ go on\r\n")
			w.Flush()
		}
		n, _ := strconv.Atoi(m[1])
		if _, err := io.CopyN(&sb, r, int64(n)); err != nil {
			return "", err
		}
	}
}

// usual answers as a server with an empty INBOX does.
func usual(cmd string) string {
	switch verb, _, _ := strings.Cut(cmd, " "); strings.ToUpper(verb) {
	case "LOGOUT":
		return "* BYE bye\r\nOK done"
	case "CAPABILITY":
		return "* CAPABILITY " + fakeCaps + "\r\nOK done"
	case "ENABLE":
		return "* ENABLED QRESYNC\r\nOK done"
	case "LIST":
		return "* LIST () \"/\" INBOX\r\nOK done"
	case "SELECT", "EXAMINE":
		return opened(7, 1, 10, 0)
	}
	return "OK done"
}

// opened is the answer to SELECT; lines go before its end.
func opened(validity, next, modseq, exists int, lines ...string) string {
	return fmt.Sprintf("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT %d] x\r\n"+
		"* OK [HIGHESTMODSEQ %d] x\r\n* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] x\r\n%sOK [READ-WRITE] done",
		exists, validity, next, modseq, crlf(lines))
}

func crlf(lines []string) string {
	var sb strings.Builder
	for _, l := range lines {
		sb.WriteString(l + "\r\n")
	}
	return sb.String()
}
