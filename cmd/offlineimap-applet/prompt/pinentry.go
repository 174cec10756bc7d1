package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// pinentry speaks the Assuan protocol of GnuPG: a line a command, answered by
// data lines and one OK or ERR.
func pinentry(ctx context.Context, path string, q Question) (secret string, err error) {
	cmd, finish := command(ctx, path)
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err = cmd.Start(); err != nil {
		return "", err
	}
	a := assuan{in: in, out: bufio.NewReaderSize(out, 2*maxLine)}
	secret, err = a.ask(q)
	_ = in.Close() // which ends it
	_ = out.Close()
	waited := cmd.Wait()
	finish()
	if err == nil || errors.Is(err, ErrCancelled) {
		return secret, err
	}
	return "", errors.Join(err, waited)
}

// maxLine is the length of a line in Assuan, without its end (octets).
const maxLine = 1000

type assuan struct {
	in  io.Writer
	out *bufio.Reader
}

func (a *assuan) ask(q Question) (string, error) {
	if _, err := a.answer(); err != nil { // the greeting
		return "", err
	}
	for _, c := range []struct{ command, text string }{
		{"SETTITLE", q.Title},
		{"SETDESC", q.Text},
		{"SETPROMPT", "Password:"},
	} {
		if _, err := a.do(c.command + " " + escape(c.text)); err != nil {
			return "", err
		}
	}
	return a.do("GETPIN")
}

func (a *assuan) do(line string) (string, error) {
	if _, err := io.WriteString(a.in, line+"\n"); err != nil {
		return "", err
	}
	return a.answer()
}

// answer reads up to OK or ERR.
func (a *assuan) answer() (string, error) {
	var data strings.Builder
	for {
		line, err := a.out.ReadSlice('\n')
		if err != nil {
			return "", fmt.Errorf("it ended or wrote nonsense: %w", err)
		}
		word, rest, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		switch word {
		case "OK":
			return data.String(), nil
		case "ERR":
			return "", failure(rest)
		case "D":
			part, err := url.PathUnescape(rest)
			if err != nil {
				return "", errors.New("it wrote nonsense")
			}
			if data.WriteString(part); data.Len() > maxSecret {
				return "", errors.New("the answer is too long")
			}
		case "INQUIRE":
			if _, err := io.WriteString(a.in, "CAN\n"); err != nil {
				return "", err
			}
		}
	}
}

// Codes of libgpg-error, in the lower half of the number after ERR.
const (
	codeCanceled      = 99
	codeFullyCanceled = 198
)

func failure(rest string) error {
	number, _, _ := strings.Cut(rest, " ")
	code, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return errors.New("it wrote nonsense")
	}
	switch code & 0xffff {
	case codeCanceled, codeFullyCanceled:
		return ErrCancelled
	}
	return fmt.Errorf("error %d", code)
}

// escape makes s the argument of a command, cut to fit into its line.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		part := string(r)
		if r == '%' || r < ' ' {
			part = fmt.Sprintf("%%%02X", r)
		}
		if b.Len()+len(part) > maxLine-20 {
			break
		}
		b.WriteString(part)
	}
	return b.String()
}
