package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// pty opens a terminal and its other end.
func pty(t *testing.T) (person, tty *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if cerr := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close(); tty.Close() })
	return person, tty
}

func echo(t *testing.T, tty *os.File) bool {
	t.Helper()
	a, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return a.Lflag&unix.ECHO != 0
}

// awaited reads from f until a text has come, and returns all that came.
func awaited(t *testing.T, f *os.File, text string) string {
	t.Helper()
	_ = f.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got strings.Builder
	buf := make([]byte, 100)
	for !strings.Contains(got.String(), text) {
		n, err := f.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
	}
	return got.String()
}

type answer struct {
	secret string
	err    error
}

func asked(ctx context.Context, a *Account, user string, refused bool) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		s, err := a.Password(ctx, user, refused)
		c <- answer{s, err}
	}()
	return c
}

func opened(t *testing.T, o Options) *Account {
	t.Helper()
	u, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Finish(0) })
	return u.Account("A", Repo{"L", "Maildir"}, Repo{"R", "IMAP"})
}

func TestPasswordOnTerminal(t *testing.T) {
	person, tty := pty(t)
	a := opened(t, Options{Stdin: tty, Stdout: io.Discard, Stderr: tty})
	awaited(t, person, "licence")
	c := asked(t.Context(), a, "me\x1b[2J", false)
	seen := awaited(t, person, "Enter password for user 'me\ufffd[2J': ")
	if echo(t, tty) {
		t.Error("what is typed would be shown")
	}
	a.Begin() // waits: it would tear the question apart
	if _, err := io.WriteString(person, "geheim é\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-c; got.secret != "geheim é" || got.err != nil {
		t.Errorf("got %q, %v", got.secret, got.err)
	}
	if seen += awaited(t, person, "*** Processing account A\r\n"); strings.Contains(seen, "geheim") {
		t.Errorf("it was shown: %q", seen)
	}
	if before, _, _ := strings.Cut(seen, "Enter"); strings.Contains(before, "Processing") {
		t.Errorf("in the midst of the question: %q", seen)
	}
	if !echo(t, tty) {
		t.Error("the terminal stays silent")
	}

	c = asked(t.Context(), a, "me", true)
	awaited(t, person, "the server refused the password.\r\nEnter password for user 'me': ")
	if _, err := io.WriteString(person, "\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-c; store.ClassOf(got.err) != store.Config || hintOf(got.err) == "" {
		t.Errorf("an empty answer: %q, %v", got.secret, got.err)
	}

	// A question that is taken back leaves the terminal as it was.
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	c = asked(ctx, a, "me", false)
	awaited(t, person, "'me': ")
	cancel(enough)
	if got := <-c; !errors.Is(got.err, enough) {
		t.Errorf("taken back: %v", got.err)
	}
	if !echo(t, tty) {
		t.Error("the terminal stays silent")
	}
}

// The question goes to the terminal even where all else goes into a file.
func TestPasswordWithoutStderr(t *testing.T) {
	person, tty := pty(t)
	var errs bytes.Buffer
	a := opened(t, Options{Stdin: tty, Stdout: io.Discard, Stderr: &errs})
	c := asked(t.Context(), a, "me", false)
	awaited(t, person, "Enter password for user 'me': ")
	if _, err := io.WriteString(person, "x\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-c; got.secret != "x" {
		t.Errorf("got %q, %v", got.secret, got.err)
	}
	if strings.Contains(errs.String(), "Enter") {
		t.Error("the question stands in the file")
	}
}

func TestPasswordFromPipe(t *testing.T) {
	for _, name := range []string{"ttyui", "machineui"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var out bytes.Buffer
		a := opened(t, Options{Name: name, Stdin: r, Stdout: &out, Stderr: &out})
		if _, err := io.WriteString(w, "wrong\r\nright\nlast"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		for i, want := range []string{"wrong", "right", "last"} {
			if got, err := a.Password(t.Context(), "me@x", i == 1); got != want || err != nil {
				t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
			}
		}
		if got, err := a.Password(t.Context(), "me@x", false); err == nil || store.ClassOf(err) != store.Config {
			t.Errorf("%s: at the end: %q, %v", name, got, err)
		}
		if name == "machineui" {
			want := "msg:getpass:Account+sync+A:me%40x\n" +
				"warn:getpasserror:Account+sync+A:me%40x%0AR%0Athe+server+refused+the+password\n" +
				"msg:getpass:Account+sync+A:me%40x\n"
			if !strings.Contains(out.String(), want) {
				t.Errorf("the protocol: %s", &out)
			}
		}
	}
}

// A program that never answers is waited for no longer than the run lasts.
func TestPasswordNeverAnswered(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	a := opened(t, Options{Name: "machineui", Stdin: r, Stdout: io.Discard, Stderr: io.Discard})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 2 { // one asks, the other waits for its turn
		wg.Go(func() {
			if _, err := a.Password(ctx, "me", false); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
}

func TestPasswordCannotBeAsked(t *testing.T) {
	for _, o := range []Options{{Name: "basic", Stdin: os.Stdin}, {Name: "quiet"}, {Name: "ttyui"}, {Name: "machineui"}} {
		o.Stdout, o.Stderr = io.Discard, io.Discard
		_, err := opened(t, o).Password(t.Context(), "me", false)
		if err == nil || store.ClassOf(err) != store.Config || hintOf(err) == "" {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

// buffer is a stream that is read while others write it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
