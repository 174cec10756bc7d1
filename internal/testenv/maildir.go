package testenv

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// File is one mail file of a Maildir.
type File struct {
	Name   string // without directory
	Sub    string // cur, new or tmp
	UID    uint32 // after U=, else 0
	Flags  string // the letters after 2, sorted
	Time   time.Time
	Size   int64
	SHA256 string // as Message.SHA256 would be, see MaildirSnapshot
}

var (
	nameUID   = regexp.MustCompile(`,U=(\d+)`)
	nameFlags = regexp.MustCompile(`[:!;]2,([A-Za-z]*)$`)
)

// MaildirSnapshot reads a tree of Maildirs below root: every directory that
// holds cur, new and tmp, by its path relative to root ("." for root itself).
// Files are sorted by UID, then name.
//
// A file whose line ends are mostly CRLF is one that was stored in wire form;
// only there is CRLF made LF before the hash. In any other a CR is part of the
// mail. Each file's hash is thus that of the same mail on a server. edit, if
// any, is applied to files before they are hashed, as Mailer.Edit is.
func MaildirSnapshot(t T, root string, edit ...func([]byte) []byte) map[string][]File {
	t.Helper()
	all := map[string][]File{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() || !isMaildir(path) {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all[rel], err = readMaildir(path, edit)
		return err
	})
	if err != nil {
		t.Fatalf("read the Maildirs below %s: %v", root, err)
	}
	return all
}

func isMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if st, err := os.Stat(filepath.Join(dir, sub)); err != nil || !st.IsDir() {
			return false
		}
	}
	return true
}

func readMaildir(dir string, edit []func([]byte) []byte) ([]File, error) {
	files := []File{}
	for _, sub := range []string{"cur", "new", "tmp"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			f, err := readFile(filepath.Join(dir, sub, e.Name()), edit)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			f.Name, f.Sub = e.Name(), sub
			if m := nameUID.FindStringSubmatch(f.Name); m != nil {
				n, _ := strconv.ParseUint(m[1], 10, 32)
				f.UID = uint32(n)
			}
			if m := nameFlags.FindStringSubmatch(f.Name); m != nil {
				letters := strings.Split(m[1], "")
				slices.Sort(letters)
				f.Flags = strings.Join(slices.Compact(letters), "")
			}
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.Name, b.Name))
	})
	return files, nil
}

func readFile(path string, edit []func([]byte) []byte) (File, error) {
	in, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return File{}, err
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return File{}, err
	}
	size := int64(len(b))
	for _, f := range edit {
		b = f(b)
	}
	h := newLFHash()
	if crlf := bytes.Count(b, []byte("\r\n")); crlf > bytes.Count(b, []byte("\n"))-crlf {
		_, _ = h.Write(b)
	} else {
		h.h.Write(b)
	}
	return File{Time: st.ModTime(), Size: size, SHA256: h.Sum()}, nil
}
