package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
	raw, err := tty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var on bool
	if err := raw.Control(func(fd uintptr) {
		if a, err := unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			on = a.Lflag&unix.ECHO != 0
		}
	}); err != nil {
		t.Fatal(err)
	}
	return on
}

// reads reads from f until a text has come.
func reads(t *testing.T, f *os.File, text string) string {
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

func TestReadSecret(t *testing.T) {
	person, tty := pty(t)
	type answer struct {
		secret string
		err    error
	}
	c := make(chan answer, 1)
	go func() {
		s, err := ReadSecret(context.Background(), tty, "Password\x1b: ")
		c <- answer{s, err}
	}()
	seen := reads(t, person, "Password\ufffd: ")
	if echo(t, tty) {
		t.Error("what is typed would be shown")
	}
	if _, err := io.WriteString(person, "geheim é\n"); err != nil {
		t.Fatal(err)
	}
	if a := <-c; a.secret != "geheim é" || a.err != nil {
		t.Errorf("got %q, %v", a.secret, a.err)
	}
	if seen += reads(t, person, "\n"); strings.Contains(seen, "geheim") {
		t.Errorf("it was shown: %q", seen)
	}
	if !echo(t, tty) {
		t.Error("the terminal stays silent")
	}
}

// A question that is taken back leaves the terminal as it was, at once.
func TestReadSecretTakenBack(t *testing.T) {
	person, tty := pty(t)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan error, 1)
	go func() {
		_, err := ReadSecret(ctx, tty, "Password: ")
		c <- err
	}()
	reads(t, person, "Password: ")
	cancel(enough)
	select {
	case err := <-c:
		if !errors.Is(err, enough) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on to ask")
	}
	if !echo(t, tty) {
		t.Error("the terminal stays silent")
	}
}

func TestReadSecretNothing(t *testing.T) {
	person, tty := pty(t)
	go func() {
		buf := make([]byte, 100)
		if n, _ := person.Read(buf); n > 0 {
			_, _ = person.Write([]byte{4}) // Ctrl-D
		}
	}()
	if s, err := ReadSecret(context.Background(), tty, "Password: "); err == nil {
		t.Errorf("got %q", s)
	}
}

func TestReadSecretWithoutATerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := ReadSecret(context.Background(), f, "?"); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("got %v", err)
	}
}
