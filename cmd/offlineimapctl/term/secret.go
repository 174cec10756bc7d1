package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxSecret is how long a password may be (octets); a terminal's line ends
// sooner anyhow.
const maxSecret = 4096

func secretOnTTY(ctx context.Context, prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", ErrNoTerminal
	}
	defer tty.Close()
	return ReadSecret(ctx, tty, prompt)
}

// ReadSecret writes a prompt to a terminal and reads a line that is not shown.
// The terminal is as before when it returns, which it does soon after the end of
// ctx, with its cause.
func ReadSecret(ctx context.Context, tty *os.File, prompt string) (string, error) {
	raw, err := tty.SyscallConn()
	if err != nil {
		return "", ErrNoTerminal
	}
	var before *unix.Termios
	if cerr := raw.Control(func(fd uintptr) {
		if before, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err != nil {
			return
		}
		silent := *before
		silent.Lflag &^= unix.ECHO
		silent.Lflag |= unix.ICANON | unix.ISIG | unix.ECHONL
		silent.Iflag |= unix.ICRNL
		err = unix.IoctlSetTermios(int(fd), unix.TCSETSF, &silent)
	}); cerr != nil || err != nil {
		return "", ErrNoTerminal
	}
	defer func() {
		_ = raw.Control(func(fd uintptr) { _ = unix.IoctlSetTermios(int(fd), unix.TCSETSF, before) })
	}()
	fmt.Fprint(tty, Plain(prompt))
	stop := context.AfterFunc(ctx, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, maxSecret)
	n, err := tty.Read(buf)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(tty)
		return "", context.Cause(ctx)
	case n == 0 || err != nil:
		fmt.Fprintln(tty)
		return "", errors.New("nothing was said")
	}
	return strings.TrimRight(string(buf[:n]), "\r\n"), nil
}
