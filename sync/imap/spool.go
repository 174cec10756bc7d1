package imap

import (
	"bytes"
	"io"
	"os"
)

// inMemory is the size up to which a body that must wait is kept in memory.
const inMemory = 1 << 20

// spool keeps a body that cannot be handed on as it comes: in memory while it is
// small, else in a file without a name.
type spool struct {
	buf  bytes.Buffer
	file *os.File
	size int64
}

// fill reads r to its end.
func (s *spool) fill(r io.Reader) (err error) {
	s.size, err = io.Copy(&s.buf, io.LimitReader(r, inMemory))
	if err != nil || s.size < inMemory {
		return err
	}
	if s.file, err = os.CreateTemp("", "offlineimapd-*"); err != nil {
		return err
	}
	if err := os.Remove(s.file.Name()); err != nil {
		return err
	}
	n, err := io.Copy(s.file, r)
	s.size += n
	if err != nil {
		return err
	}
	_, err = s.file.Seek(0, io.SeekStart)
	return err
}

// reader reads what was filled in, once.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return &s.buf
	}
	return io.MultiReader(&s.buf, s.file)
}

// drop gives back what the spool holds, for the next fill.
func (s *spool) drop() {
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
	s.buf.Reset()
	if s.buf.Cap() > inMemory/4 {
		s.buf = bytes.Buffer{}
	}
	s.size = 0
}
