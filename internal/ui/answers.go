package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// answers reads lines from where a person, or another program, answers. What
// follows a line is kept for the next question. It is used by one goroutine at a
// time.
type answers struct {
	f    *os.File
	rest []byte
}

// answerMost is how long an answer may be (octets).
const answerMost = 4096

// look is how often it is seen whether an answer is still wanted (milliseconds).
const look = 100

// line returns the next line, without its end. The error is the cause of ctx soon
// after its end.
func (a *answers) line(ctx context.Context) (string, error) {
	for {
		if i := bytes.IndexByte(a.rest, '\n'); i >= 0 {
			s := strings.TrimRight(string(a.rest[:i]), "\r")
			a.rest = append([]byte(nil), a.rest[i+1:]...)
			return answered(s)
		}
		if len(a.rest) > answerMost {
			a.rest = nil
			return "", config("the answer is too long for a password", "")
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, buf, err := a.read()
		a.rest = append(a.rest, buf[:n]...)
		switch {
		case err != nil:
			return "", fmt.Errorf("read the password: %w", err)
		case n == 0 && buf != nil:
			s := string(a.rest)
			a.rest = nil
			return answered(s)
		}
	}
}

func answered(s string) (string, error) {
	if s == "" {
		return "", config("no password was given", hintPassword)
	}
	return s, nil
}

// read reads what there is within a moment; buf is nil where there was nothing,
// which is not the end.
func (a *answers) read() (n int, buf []byte, err error) {
	raw, err := a.f.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	if cerr := raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		var ready int
		if ready, err = unix.Poll(p, look); ready <= 0 || err != nil {
			return
		}
		b := make([]byte, answerMost)
		if n, err = unix.Read(int(fd), b); err == nil {
			buf = b
		}
	}); cerr != nil {
		return 0, nil, cerr
	}
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return 0, nil, nil
	}
	return max(n, 0), buf, err
}

// silence turns a terminal's echo off, until restore is called. What is no
// terminal stays as it is.
func silence(f *os.File) (restore func(), err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var before *unix.Termios
	if cerr := raw.Control(func(fd uintptr) {
		if before, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err != nil {
			before, err = nil, nil
			return
		}
		silent := *before
		silent.Lflag &^= unix.ECHO
		silent.Lflag |= unix.ICANON | unix.ISIG | unix.ECHONL
		silent.Iflag |= unix.ICRNL
		err = unix.IoctlSetTermios(int(fd), unix.TCSETSF, &silent)
	}); cerr != nil || err != nil {
		return nil, errors.Join(cerr, err)
	}
	return func() {
		if before != nil {
			_ = raw.Control(func(fd uintptr) { _ = unix.IoctlSetTermios(int(fd), unix.TCSETSF, before) })
		}
	}, nil
}
