package localstatus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
)

// Options say whose state is read.
type Options struct {
	Metadata string // OfflineIMAP's metadata directory
	// Names as the configuration has them.
	Account, LocalRepository, RemoteRepository string
	// Separator parts the levels of local folder names.
	Separator byte
	// Server: the local repository is a server too, with UIDVALIDITYs of its own.
	Server bool
	// UTF8: the remote repository has utf8foldernames, so that OfflineIMAP knows
	// its folders by their decoded names.
	UTF8 bool
}

// Reader reads the state of one account. It may be used by several goroutines.
type Reader struct{ o Options }

var (
	_ engine.Heritage = Reader{}
	_ engine.Witness  = Reader{}
)

// New returns a reader; nothing is opened before it is asked.
func New(o Options) Reader { return Reader{o} }

// String says whose state it is, and where.
func (r Reader) String() string { return "OfflineIMAP's state in " + r.account() }

func (r Reader) account() string {
	return filepath.Join(r.o.Metadata, "Account-"+component(r.o.Account))
}

// Touched tells when OfflineIMAP changed its record of a local folder last, "" where
// there is none.
func (r Reader) Touched(local string) string {
	name, said := r.statusFile(local), ""
	for _, dir := range []string{"LocalStatus-sqlite", "LocalStatus"} {
		if info, err := os.Stat(filepath.Join(r.account(), dir, name)); err == nil {
			said += fmt.Sprintf("%s %d %d ", dir, info.Size(), info.ModTime().UnixNano())
		}
	}
	return said
}

// maildirValidity is what OfflineIMAP writes down as the UIDVALIDITY of every
// Maildir folder.
const maildirValidity = 42

// Inherit reads what OfflineIMAP knew of a pair; nil where it has no record of
// it, or an empty one. A record that cannot be what OfflineIMAP wrote, or that
// two folders of all share, is an error.
func (r Reader) Inherit(ctx context.Context, p engine.FolderPair, all []engine.FolderPair) (*engine.Inherited, error) {
	status, validity := r.statusFile(p.Local), r.remoteFile(p.Remote)
	rows, file, err := r.rows(ctx, status)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for _, q := range all {
		switch {
		case q == p:
		case r.statusFile(q.Local) == status:
			return nil, fmt.Errorf("%s is of two folders, %q and %q", file, shown(p.Local), shown(q.Local))
		case r.remoteFile(q.Remote) == validity:
			return nil, fmt.Errorf("%s cannot be used: OfflineIMAP has one UIDVALIDITY for two mailboxes, %q and %q", file, names.Display(p.Remote), names.Display(q.Remote))
		}
	}
	local := filepath.Join(r.o.Metadata, "Repository-"+component(r.o.LocalRepository), "FolderValidity", FileName(p.Local))
	switch v, err := readValidity(local); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("%s cannot be used: %w", file, err)
	case v != maildirValidity && !r.o.Server:
		return nil, fmt.Errorf("%s cannot be used: by %s the local folder was no Maildir", file, local)
	}
	remote := filepath.Join(r.o.Metadata, "Repository-"+component(r.o.RemoteRepository), "FolderValidity", validity)
	v, err := readValidity(remote)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used, since its UIDVALIDITY is not known: %w", file, err)
	}
	return &engine.Inherited{File: file, UIDValidity: v, Rows: rows}, nil
}

// rows reads the record of a folder. Where there is a database, the plain file
// is of the time before it: OfflineIMAP goes on in one of them only. That holds
// for a database without rows too, which OfflineIMAP begins where it makes a
// local folder anew.
func (r Reader) rows(ctx context.Context, name string) (rows []mail.Entry, file string, err error) {
	file = filepath.Join(r.account(), "LocalStatus-sqlite", name)
	rows, err = readSQLite(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		file = filepath.Join(r.account(), "LocalStatus", name)
		rows, err = readPlain(ctx, file)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, file, nil
	case err != nil:
		return nil, file, err
	}
	return tidy(rows), file, nil
}

// tidy sorts rows; of several for one UID the last counts, as for OfflineIMAP.
func tidy(rows []mail.Entry) []mail.Entry {
	slices.SortStableFunc(rows, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })
	out := rows[:0]
	for i, e := range rows {
		if i+1 == len(rows) || rows[i+1].UID != e.UID {
			out = append(out, e)
		}
	}
	return out
}

// statusFile is the name of a folder's record. OfflineIMAP makes it of the name
// that the server's mailbox has after nametrans, with "." for its separator;
// that is the local folder's name, its separator aside.
func (r Reader) statusFile(local string) string {
	if r.o.Separator != 0 {
		local = strings.ReplaceAll(local, string(rune(r.o.Separator)), ".")
	}
	return FileName(local)
}

// remoteFile is the file name of a mailbox in the remote repository: its own
// name, before nametrans.
func (r Reader) remoteFile(remote string) string {
	return FileName(names.Read(remote, names.Options{UTF8: r.o.UTF8}))
}

// FileName is what OfflineIMAP calls the file of a folder.
func FileName(folder string) string {
	folder = strings.ReplaceAll(folder, "/", ".")
	if folder == "" || folder == "." {
		return "dot"
	}
	return folder
}

// component keeps the name of an account or a repository from leading elsewhere.
func component(name string) string { return strings.ReplaceAll(name, "/", ".") }

func shown(local string) string {
	if local == "" {
		return "(root)"
	}
	return local
}
