package localstatus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Pairs reads which mail of a mailbox on a local server has which UID on the
// remote one (UIDMapping: a line "local:remote" each); nil where OfflineIMAP has no
// record of it, or one that is about another mailbox than that with this
// UIDVALIDITY. A file that cannot be what OfflineIMAP wrote is an error, and a pair
// that contradicts another, too: none of it is used then.
func (r Reader) Pairs(ctx context.Context, folder string, validity uint32) (map[mail.UID]mail.UID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir := filepath.Join(r.o.Metadata, "Repository-"+component(r.o.LocalRepository))
	file := filepath.Join(dir, "UIDMapping", FileName(folder))
	text, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := readValidity(filepath.Join(dir, "FolderValidity", FileName(folder)))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be used, since its UIDVALIDITY is not known: %w", file, err)
	case v != validity:
		return nil, fmt.Errorf("%s is about a mailbox with UIDVALIDITY %d, and the local server's has %d", file, v, validity)
	}
	pairs, partner := map[mail.UID]mail.UID{}, map[mail.UID]mail.UID{}
	for n, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		a, b, _ := bytes.Cut(line, []byte(":"))
		local, err := strconv.ParseUint(string(a), 10, 32)
		remote, err2 := strconv.ParseUint(string(b), 10, 32)
		if err := errors.Join(err, err2); err != nil || local == 0 || remote == 0 {
			return nil, fmt.Errorf("%s cannot be used: line %d is no pair of UIDs", file, n+1)
		}
		l, r := mail.UID(local), mail.UID(remote)
		if was, twice := pairs[l]; twice && was != r || partner[r] != 0 && partner[r] != l {
			return nil, fmt.Errorf("%s cannot be used: line %d contradicts another", file, n+1)
		}
		pairs[l], partner[r] = r, l
	}
	return pairs, nil
}
