package uidmap

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// inMemory is the size up to which mails that wait to be stored are kept in
// memory (octets).
const inMemory = 1 << 20

// spool keeps mails until all is known of them that the map must know before they
// are sent: in memory while they are small, else in a file without a name.
type spool struct {
	mem  []byte
	file *os.File
	size int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) > inMemory {
		f, err := os.CreateTemp("", "offlineimapd-*")
		if err != nil {
			return 0, err
		}
		s.file = f
		if err := os.Remove(f.Name()); err != nil {
			return 0, err
		}
		if _, err := f.WriteAt(s.mem, 0); err != nil {
			return 0, err
		}
		s.mem = nil
	}
	n := len(p)
	var err error
	if s.file == nil {
		s.mem = append(s.mem, p...)
	} else {
		n, err = s.file.WriteAt(p, s.size)
	}
	s.size += int64(n)
	return n, err
}

// cut takes back what was written behind size.
func (s *spool) cut(size int64) {
	s.size = size
	if s.file == nil {
		s.mem = s.mem[:size]
	}
}

func (s *spool) at(off, size int64) io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem[off : off+size])
	}
	return io.NewSectionReader(s.file, off, size)
}

func (s *spool) drop() {
	if s.file != nil {
		_ = s.file.Close()
	}
	*s = spool{}
}

// held is a mail in a spool.
type held struct {
	uid       mail.UID // that it is to carry
	flags     mail.Flags
	date      time.Time
	off, size int64
	message   string // its Message-ID
}

// headMost is how much of a mail is looked at for its Message-ID (octets).
const headMost = 64 << 10

// messageID finds the Message-ID in the head of a mail; "" where there is none,
// or more than one.
func messageID(r io.Reader) string {
	head, err := io.ReadAll(io.LimitReader(r, headMost))
	if err != nil {
		return ""
	}
	id, n := "", 0
	var open bool // the field before is a Message-ID
	for line := range strings.Lines(string(head)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if open {
				id += line
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if open = ok && strings.EqualFold(strings.TrimRight(name, " \t"), "message-id"); open {
			n++
			id = value
		}
	}
	if n != 1 {
		return ""
	}
	return strings.TrimSpace(id)
}
