package systemd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// journalSocket is where journald takes entries in its own protocol
	// (systemd.io, "Native Journal Protocol").
	journalSocket = "/run/systemd/journal/socket"
	// journalWait is how long a line of the log may wait for a journal that is busy.
	journalWait = 250 * time.Millisecond
	// journalStuck is how long it may when the journal did not take the line before
	// it: a daemon goes on with its work, with or without a log.
	journalStuck = time.Millisecond
	// maxValue is how many octets of one value are written.
	maxValue = 256 << 10
	// maxName is what journald takes as the name of a field.
	maxName = 64

	fieldPrefix = "OFFLINEIMAP_"
)

// journalSink sends entries to journald. It does not use go-systemd's journal
// package, because that one waits for ever for a journal that hangs, and has one
// socket with a fixed path, which no test can replace.
type journalSink struct {
	path string

	mu   sync.Mutex
	conn *net.UnixConn // nil: not connected
	lost int           // lines since the journal last took one
}

// openJournal fails where nobody listens at path.
func openJournal(path string) (*journalSink, error) {
	s := &journalSink{path: path}
	return s, s.connect()
}

func (s *journalSink) connect() error {
	// A connected socket, because only that one tells when the other side has room
	// again.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("connect to the journal: %w", err)
	}
	s.conn = conn
	return nil
}

func (s *journalSink) write(e *entry) error {
	data := encode(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		notice := encode(&entry{level: priorities[4].from, message: strconv.Itoa(s.lost) + " lines of the log before this one were lost: the journal did not take them"})
		if err := s.send(notice); err != nil {
			s.lost++
			return err
		}
		s.lost = 0
	}
	err := s.send(data)
	if err != nil {
		s.lost++
	}
	return err
}

// send sends one entry, and connects again where journald was restarted.
func (s *journalSink) send(data []byte) error {
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return err
		}
		return s.sendOnce(data)
	}
	err := s.sendOnce(data)
	if err == nil || errors.Is(err, syscall.EAGAIN) || isTimeout(err) {
		return err
	}
	s.conn.Close()
	s.conn = nil
	if err := s.connect(); err != nil {
		return err
	}
	return s.sendOnce(data)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func (s *journalSink) sendOnce(data []byte) error {
	wait := journalWait
	if s.lost > 0 {
		wait = journalStuck
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	_, err := s.conn.Write(data)
	if errors.Is(err, syscall.EMSGSIZE) || errors.Is(err, syscall.ENOBUFS) {
		return s.sendFile(data)
	}
	return err
}

// sendFile sends what is too large for a datagram as a file in memory, sealed,
// because journald maps it and must be sure that it stays as it is.
func (s *journalSink) sendFile(data []byte) error {
	fd, err := unix.MemfdCreate("journal-entry", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return fmt.Errorf("make a file in memory for the journal: %w", err)
	}
	defer unix.Close(fd)
	for rest := data; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil {
			return fmt.Errorf("write a file in memory for the journal: %w", err)
		}
		rest = rest[n:]
	}
	seals := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("seal a file in memory for the journal: %w", err)
	}
	// net refuses to send files over a connected socket of datagrams.
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Write(func(to uintptr) bool {
		sent = unix.Sendmsg(int(to), nil, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		return sent != unix.EAGAIN
	}); err != nil {
		return err
	}
	return sent
}

// encode writes an entry in journald's protocol. Attributes are fields, and do not
// stand in the message again.
func encode(e *entry) []byte {
	var b []byte
	b = appendField(b, "MESSAGE", e.message)
	b = appendField(b, "PRIORITY", strconv.Itoa(priority(e.level)))
	b = appendField(b, "SYSLOG_IDENTIFIER", identifier)
	if e.event != "" {
		if id := eventID(e.event); id != "" {
			b = appendField(b, "MESSAGE_ID", id)
		}
		b = appendField(b, fieldPrefix+"EVENT", e.event)
	}
	for _, f := range e.fields {
		b = appendField(b, fieldName(f.key), f.value)
	}
	if e.pc != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{e.pc}).Next()
		b = appendField(b, "CODE_FILE", frame.File)
		b = appendField(b, "CODE_LINE", strconv.Itoa(frame.Line))
		b = appendField(b, "CODE_FUNC", frame.Function)
	}
	return b
}

// appendField writes one field. Values that have more than one line are
// written with their length; other control characters would make journalctl show
// "blob data" instead of the value.
func appendField(b []byte, name, value string) []byte {
	value = visible(shortBytes(value, maxValue), "\n\t")
	b = append(b, name...)
	for i := range len(value) {
		if value[i] == '\n' {
			b = append(b, '\n')
			b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
			b = append(b, value...)
			return append(b, '\n')
		}
	}
	b = append(b, '=')
	b = append(b, value...)
	return append(b, '\n')
}

// fieldName makes a field's name of a key. The prefix keeps every key from being
// one of journald's own fields.
func fieldName(key string) string {
	b := []byte(fieldPrefix)
	for i := 0; i < len(key) && len(b) < maxName; i++ {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			c = '_'
		}
		b = append(b, c)
	}
	return string(b)
}
