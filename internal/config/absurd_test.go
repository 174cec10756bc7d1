package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
)

// big is for files of many small parts, which take longest to read.
const big = 2 << 20

// hopeless are files written by hand that no configuration is.
func hopeless() map[string]string {
	many := func(n int, format string) string {
		var sb strings.Builder
		for i := range n {
			fmt.Fprintf(&sb, format, i)
		}
		return sb.String()
	}
	utf := func(mark string, order func(uint16) []byte) string {
		sb := mark
		for _, u := range utf16.Encode([]rune(small)) {
			sb += string(order(u))
		}
		return sb
	}
	laughs := "a0 = ha\n"
	for i := 1; i <= 30; i++ {
		laughs += fmt.Sprintf("a%d = %%(a%d)s%%(a%d)s\n", i, i-1, i-1)
	}
	wide := "b0 = " + strings.Repeat("ha", 1<<10) + "\n"
	for i := 1; i < 9; i++ {
		wide += fmt.Sprintf("b%d = %s\n", i, strings.Repeat(fmt.Sprintf("%%(b%d)s", i-1), 100))
	}
	ring := "[DEFAULT]\nlocalfolders = %(c0)s\n"
	for i := range 9 {
		ring += fmt.Sprintf("c%d = %%(c%d)s\n", i, (i+1)%9)
	}
	without := strings.Replace(small, "localfolders = /m\n", "", 1)
	return map[string]string{
		"nothing":                  "",
		"one line feed":            "\n",
		"only white space":         strings.Repeat(" \t\n", 1000),
		"only comments":            "# [general]\n; accounts = A\n",
		"no section":               "accounts = A\n",
		"a reference to itself":    with("general", "metadata = %(metadata)s"),
		"two to each other":        with("general", "metadata = %(x)s\nx = %(metadata)s"),
		"a ring in DEFAULT":        ring + without,
		"a ring through a section": "[DEFAULT]\nx = %(localfolders)s\n" + strings.Replace(small, "= /m", "= %(x)s/m", 1),
		"billion laughs":           "[DEFAULT]\n" + laughs + strings.Replace(small, "= /m", "= %(a30)s", 1),
		"wide laughs":              "[DEFAULT]\n" + wide + strings.Replace(small, "= /m", "= %(b8)s", 1),
		"laughs everywhere":        "[DEFAULT]\n" + wide + "autorefresh = %(b1)s\nlocalrepository = %(b2)s\n" + small + many(500, "[Account x%d]\n"),
		"eleven deep":              "[DEFAULT]\n" + laughs + strings.Replace(small, "= /m", "= %(a11)s", 1),
		"unknown reference":        strings.Replace(small, "= /m", "= %(x)s", 1),
		"lone percent":             strings.Replace(small, "= /m", "= 100%", 1),
		"open reference":           strings.Replace(small, "= /m", "= %(x", 1),
		"UTF-16, little end first": utf("\xff\xfe", func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }),
		"UTF-16, big end first":    utf("\xfe\xff", func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }),
		"UTF-16 without a mark":    utf("", func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }),
		"UTF-32":                   "\xff\xfe\x00\x00[\x00\x00\x00",
		"byte order mark":          "\xef\xbb\xbf" + small,
		"NUL":                      strings.Replace(small, "/m", "/m\x00", 1),
		"NUL, CR only":             strings.ReplaceAll(strings.Replace(small, "/m", "/m\x00", 1), "\n", "\r"),
		"garbage, CRLF":            strings.ReplaceAll(small+"garbage\n", "\n", "\r\n"),
		"garbage, CR only":         strings.ReplaceAll(small+"garbage\n", "\n", "\r"),
		"ELF":                      "\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00", 1000),
		"gzip":                     "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
		"XML":                      "<?xml version=\"1.0\"?>\n<config><account name=\"A\"/></config>\n",
		"JSON":                     "{\"general\": {\"accounts\": [\"A\"]}}\n",
		"YAML":                     "general:\n  accounts: A\n",
		"TOML, almost":             "[general]\naccounts = [\"A\"]\n",
		"mbsyncrc":                 "IMAPAccount A\nHost h\nUser u\n",
		"open header":              "[general\naccounts = A\n",
		"empty header":             "[]\naccounts = A\n",
		"unknown sections":         small + many(20_000, "[sect%d]\n"),
		"empty accounts":           small + many(10_000, "[Account a%d]\n"),
		"brackets":                 strings.Repeat("[", 1<<20),
		"names without values":     "[general]\n" + strings.Repeat("accounts\n", 1000),
		"values without names":     "[general]\n" + strings.Repeat("= A\n", 1000),
		"one long line":            strings.Repeat("a", maxFile),
		"16 MB in one value":       strings.Replace(without, "type = Maildir", "type = Maildir"+strings.Repeat("r", maxFile-1000), 1),
		"16 MB of line feeds":      strings.Repeat("\n", maxFile),
		"2 MB of CR":               strings.Repeat("\r", big),
		"2 MB of continuation":     "[general]\naccounts =" + strings.Repeat("\n x", big/3),
		"2 MB of one option":       "[general]\n" + strings.Repeat("a=\n", big/3),
		"250,000 sections":         many(250_000, "[Account %d]\n"),
		"16 MB of percent":         strings.Replace(small, "= /m", "= "+strings.Repeat("%", maxFile-1001), 1),
		"2 MB of references":       strings.Replace(small, "= /m", "= "+strings.Repeat("%(type)s", big/8), 1),
		"250,000 unknown options":  "[general]\n" + many(250_000, "o%d = 1\n"),
		"2 MB of repetitions":      "[general]\n" + strings.Repeat("a=1\n", big/4),
		"40,000 comments":          "[general]\n" + many(40_000, "o%d = 1 ; x\n") + "dry-run = no ; x\n",
		"accounts without end":     "[general]\naccounts = A" + strings.Repeat(", A", 1<<17) + many(20_000, ", b%d"),
		"all accounts one":         strings.Replace(small, "accounts = A", "accounts = "+many(900, "a%d, "), 1) + many(900, "[Account a%d]\nlocalrepository = L\nremoterepository = R\n"),
	}
}

// spoil makes a broken file out of a good one.
func spoil(r *rand.Rand, kind int) string {
	src := []byte(small)
	at := func() int { return r.IntN(len(src)) }
	switch kind % 6 {
	case 0: // cut off, in the middle of the second section
		cut := bytes.Index(src, []byte("[Account")) + r.IntN(20)
		return string(src[:cut])
	case 1: // binary
		b := make([]byte, 1+r.IntN(4096))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	case 2: // overwritten by zero octets, as after a crash
		i := at()
		clear(src[i:])
		return string(src)
	case 3: // lines in another order
		lines := strings.SplitAfter(small, "\n")
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		return "nonsense\n" + strings.Join(lines, "")
	case 4: // references from every option to another one
		names := strings.Fields("metadata pythonfile socktimeout fsync dry-run a b c d e")
		var sb strings.Builder
		for _, n := range names {
			fmt.Fprintf(&sb, "%s = %s%%(%s)s\n", n, strings.Repeat("%%", r.IntN(3)), names[r.IntN(len(names))])
		}
		return with("general", sb.String())
	default: // signs of the dialect at random
		pieces := strings.Split("[ ] = : % %( )s %(x)s # ; [general] accounts A type \r \x0b \xff = \t", " ")
		var sb strings.Builder
		sb.WriteString("[general]\n]nonsense\n")
		for range r.IntN(300) {
			sb.WriteString(pieces[r.IntN(len(pieces))])
			if r.IntN(4) == 0 {
				sb.WriteByte('\n')
			}
		}
		return sb.String()
	}
}

// Each of more than a hundred files gives a message with a line, in bounded time
// and memory.
func TestHopeless(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	files := hopeless()
	r := rand.New(rand.NewPCG(4, 1))
	for i := range 60 {
		files[fmt.Sprintf("spoilt %d", i)] = spoil(r, i)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files", len(files))
	}
	var before, after runtime.MemStats
	for name, src := range files {
		if len(src) > maxFile {
			t.Fatalf("%s is larger than is read", name)
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		c, problems := parse("f", []byte(src), 0o600)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 1024 {
			t.Errorf("%s: allocated %d MB", name, mb)
		} else if testing.Verbose() {
			t.Logf("%s: %d problems, %v, %d MB", name, len(problems), took, mb)
		}
		lines := strings.Count(src, "\n") + strings.Count(src, "\r") + 1
		told, warnings := false, 0
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.File != "f" || p.Text == "" || len(p.String()) > 10_000 {
				t.Errorf("%s: %.300s", name, p)
			}
			told = told || p.Line > 0
			if p.Severity == Warning {
				warnings++
			}
		}
		if warnings > maxWarnings+1 {
			t.Errorf("%s: %d warnings", name, warnings)
		}
		if !told {
			t.Errorf("%s: no message with a line: %v, %q", name, c, said(problems))
		}
	}
}

// What is no readable file is told by its name, and waited for with an end.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for link, target := range map[string]string{"loop": "pool", "pool": "loop", "dangling": "nothing"} {
		if err := os.Symlink(target, path(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, fifo := range []string{"fifo", "silent"} {
		if err := syscall.Mkfifo(path(fifo), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	silent, err := os.OpenFile(path("silent"), os.O_RDWR, 0) // a writer that never says anything
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, want := range map[string]string{
		"loop":     "too many levels of symbolic links",
		"dangling": "no such file",
		"x/y":      "no such file",
		".":        "is a directory",
		"fifo":     "nothing came out of",
		"silent":   "nothing came out of",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems, err := Load(path(name))
			if err == nil || errors.Is(err, ErrInvalid) || len(problems) > 0 || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Log("root may read everything")
			return
		}
		if err := os.WriteFile(path("mine"), nil, 0); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(path("mine")); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path("mine")) {
			t.Error(err)
		}
	})
}

// The shell's <(command) is a configuration, however slow the command.
func TestPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write := exec.Command("sh", "-c", `sleep 0.1; (printf %s "$1"; sleep 0.1; printf %s "$2") >"$0"`, fifo, small[:50], small[50:])
	if err := write.Start(); err != nil {
		t.Fatal(err)
	}
	c, problems, err := Load(fifo)
	if err != nil || len(problems) > 0 || c.Account("A") == nil {
		t.Errorf("%v %v", err, said(problems))
	}
	if err := write.Wait(); err != nil {
		t.Error(err)
	}
}
