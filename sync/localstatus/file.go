package localstatus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// longest is more than any of these files can be that OfflineIMAP wrote: a
// mail takes some 30 octets in them.
const longest = 1 << 30

// open opens a regular file for reading. What else may stand there, such as a
// FIFO, is not waited for.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is no file", path)
	case info.Size() > longest:
		err = fmt.Errorf("%s is too large", path)
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

func readFile(path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, longest))
}

// copyFile copies a file, and tells whether there is one that is not empty.
func copyFile(to, from string) (bool, error) {
	in, err := open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	n, err := io.Copy(out, io.LimitReader(in, longest))
	return n > 0, errors.Join(err, out.Close())
}
