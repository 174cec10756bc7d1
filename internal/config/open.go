package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// maxWait is for all of a file that is none on a disk.
const maxWait = 5 * time.Second

// source is a file whose reading ends, whatever it is: the shell's <(command),
// a FIFO that nobody writes into, a terminal.
type source struct {
	f    *os.File
	mode fs.FileMode
	end  time.Time
	some bool // there was something to read
}

func open(path string) (*source, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO opens without a writer then
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	s := &source{f: f, mode: info.Mode(), end: time.Now().Add(maxWait)}
	if err := f.SetReadDeadline(s.end); err != nil && !errors.Is(err, os.ErrNoDeadline) { // no file on a disk has one, and none needs one
		f.Close()
		return nil, err
	}
	return s, nil
}

// Read gives the writer of a pipe the time to come: until it does, a pipe is at
// its end.
func (s *source) Read(b []byte) (int, error) {
	for {
		n, err := s.f.Read(b)
		s.some = s.some || n > 0
		late := err != nil && errors.Is(err, os.ErrDeadlineExceeded) || !s.mode.IsRegular() && time.Now().After(s.end)
		switch {
		case late && !s.some:
			return 0, fmt.Errorf("nothing came out of %s for %v", s.f.Name(), maxWait)
		case late && err != io.EOF:
			return n, fmt.Errorf("%s did not come to its end within %v", s.f.Name(), maxWait)
		case s.some || err != io.EOF || s.mode&fs.ModeNamedPipe == 0:
			return n, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *source) Close() error { return s.f.Close() }
