package testenv

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// CorpusMail is one mail of the corpus.
type CorpusMail struct {
	Name string
	Size int64
	Open func() io.Reader // a fresh reader of Size octets; the large ones are made as they are read
}

// Bytes returns all of the mail.
func (c CorpusMail) Bytes() []byte {
	var b bytes.Buffer
	b.Grow(int(c.Size))
	_, _ = b.ReadFrom(c.Open())
	return b.Bytes()
}

// Corpus returns enmime's test data, the mails of Debian's
// libpython3.x-testsuite, and the made ones without the large one. That either
// is missing fails the test.
func Corpus(t T) []CorpusMail {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/jhillyerd/enmime/v2").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Fatalf("find the test data of github.com/jhillyerd/enmime/v2 (go mod download): %v", err)
	}
	all := fromFiles(t, "enmime", filepath.Join(dir, "testdata", "*", "*.raw"))
	if len(all) < 50 {
		t.Fatalf("only %d mails in the test data of enmime in %s", len(all), dir)
	}
	python := fromFiles(t, "python", "/usr/lib/python3*/test/test_email/data/msg_*.txt")
	if len(python) == 0 {
		t.Fatalf("the mails of libpython3.x-testsuite are missing; install them with: apt-get install %s",
			"$(apt-cache search --names-only '^libpython3[.0-9]*-testsuite$' | cut -d' ' -f1)")
	}
	all = append(all, python...)
	return append(all, Difficult(false)...)
}

func fromFiles(t T, source, pattern string) []CorpusMail {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	var all []CorpusMail
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("corpus: %v", err)
		}
		all = append(all, made(source+"/"+filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), string(b)))
	}
	return all
}

func made(name, content string) CorpusMail {
	return CorpusMail{name, int64(len(content)), func() io.Reader { return strings.NewReader(content) }}
}

// Large is the size of the mail that is made as it is read.
const Large = 50 << 20

// Difficult returns only the made mails: 0 bytes, 1 byte, NUL, bare CR, bare
// LF, 8-bit headers, long lines, no blank line, From first, doubled and missing
// Message-IDs and so on; and with large one of 50 MB.
//
// A server may refuse some of them (Dovecot the one of 0 bytes), or give them
// back changed (Dovecot makes NUL 0x80): compare with what the server gives.
func Difficult(large bool) []CorpusMail {
	head := func(id string) string {
		return "From: a@example.org\r\nTo: b@example.org\r\nSubject: " + id +
			"\r\nMessage-ID: <" + id + "@example.org>\r\nDate: Mon, 02 Feb 2026 03:04:05 +0000\r\n"
	}
	long := strings.Repeat("0123456789", 1234)
	all := []CorpusMail{
		made("empty", ""),
		made("one byte", "x"),
		made("only LF", "\n"),
		made("only CRLF", "\r\n"),
		made("only CR", "\r"),
		made("NUL", head("nul")+"\r\na\x00b\x00\x00\r\n\x00"),
		made("bare CR", head("cr")+"\r\none\rtwo\r\rthree\r\n\rfour\r"),
		made("bare LF", head("lf")+"\r\none\ntwo\n\nthree\r\nfour\n"),
		made("all LF", strings.ReplaceAll(head("alllf")+"\r\none\r\ntwo\r\n", "\r\n", "\n")),
		made("CR CR LF", head("crcrlf")+"\r\none\r\r\ntwo\r\r\nthree\r\r\n"),
		made("all CR CR LF", strings.ReplaceAll(head("allcrcrlf")+"\r\none\r\ntwo\r\n", "\r\n", "\r\r\n")),
		made("one CR CR LF", head("onecrcrlf")+"\r\none\r\r\ntwo\r\nthree\r\n"),
		made("LF CR", head("lfcr")+"\r\none\n\rtwo\n\r"),
		made("ends in CR", head("endcr")+"\r\ntext\r"),
		made("no line end", head("noend")+"\r\ntext"),
		made("8-bit header", strings.Replace(head("8bit"), "Subject: ", "Subject: Gr\xfc\xdfe \xc3\xbc\xff ", 1)+"\r\nbody\r\n"),
		made("8-bit body", head("body8")+"Content-Type: text/plain; charset=latin1\r\n\r\n\x80\x81\xfe\xff\r\n"),
		made("long line", head("longline")+"\r\n"+long+"\r\n"+long),
		made("long header", head("longheader")+"X-Long: "+long+"\r\nReferences:"+strings.Repeat(" <a@b>\r\n", 2000)+"\r\nbody\r\n"),
		made("no blank line", head("noblank")),
		made("no header", "\r\nonly a body\r\n"),
		made("no colon", "this is no header at all\r\nand neither is this\r\n"),
		made("From first", "From alice@example.org Mon Feb  2 03:04:05 2026\r\n"+head("mboxfrom")+"\r\nbody\r\nFrom here on\r\n>From there\r\n"),
		made("no Message-ID", "From: a@example.org\r\nSubject: none\r\n\r\nbody\r\n"),
		made("no Message-ID, the same again", "From: a@example.org\r\nSubject: none\r\n\r\nbody\r\n"),
		made("doubled Message-ID in a mail", head("twice")+"Message-ID: <again@example.org>\r\n\r\nbody\r\n"),
		made("same Message-ID, one", head("same")+"\r\none\r\n"),
		made("same Message-ID, two", head("same")+"\r\ntwo\r\n"),
		made("same Message-ID, one again", head("same")+"\r\none\r\n"),
		made("empty Message-ID", "Message-ID:\r\nSubject: empty\r\n\r\nbody\r\n"),
		made("looks like IMAP", head("imap")+"\r\n)\r\na1 OK done\r\n* 1 EXPUNGE\r\n{5}\r\n{5+}\r\nBODY[] {3}\r\n"),
		made("dots", head("dots")+"\r\n.\r\n..\r\n.\r\n"),
		made("Ctrl-Z", head("ctrlz")+"\r\na\x1ab\x04\x7f\x1b[2J\r\n"),
		made("64 kB boundary", head("boundary")+"\r\n"+strings.Repeat("0123456789abcd\r\n", 4096)),
	}
	if large {
		all = append(all, LargeMail("large", Large))
	}
	return all
}

// LargeMail returns a mail of size octets that is made as it is read.
func LargeMail(name string, size int64) CorpusMail {
	const head = "From: a@example.org\r\nSubject: large\r\nMessage-ID: <large@example.org>\r\n\r\n"
	return CorpusMail{name, size, func() io.Reader {
		return io.LimitReader(io.MultiReader(strings.NewReader(head), &lines{}), size)
	}}
}

// lines is an endless body of numbered lines of 76 octets.
type lines struct {
	n    uint64
	rest []byte
}

func (l *lines) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(l.rest) == 0 {
			l.rest = l.next()
		}
		got := copy(p[n:], l.rest)
		n, l.rest = n+got, l.rest[got:]
	}
	return n, nil
}

func (l *lines) next() []byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	line := make([]byte, 78)
	x := l.n*0x9E3779B97F4A7C15 + 1
	for i := range 76 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		line[i] = digits[x&63]
	}
	line[76], line[77] = '\r', '\n'
	l.n++
	return line
}
