package maildir

import (
	"bytes"
	"context"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Rehash puts the MD5 of the folder's visible name into those file names that
// carry the MD5 of another one that it had, such as the folder's own name, which
// programs wrote that knew no nametrans, and returns how many there are. UIDs and flags stay. A file whose
// new name another one has is left, which is an error once the others are done. A
// dry run only counts. The caller holds the lock of the tree.
func (s *Store) Rehash(ctx context.Context, name, formerly string, dryRun bool) (renamed int, err error) {
	if err := s.checkName(name); err != nil {
		return 0, err
	}
	old, now := fmd5(formerly), fmd5(s.o.VisibleName(name))
	if bytes.Equal(old, now) {
		return 0, nil
	}
	path := s.path(name)
	g, err := lookBoth(path)
	if err != nil {
		return 0, failed(store.ScopeFolder, err)
	}
	d, err := openDirs(path, g)
	if err != nil {
		return 0, failed(store.ScopeFolder, err)
	}
	defer d.close()
	buf := s.lend()
	defer s.giveBack(buf)
	var taken error
	for sub := range inTmp {
		if d.fd[sub] < 0 {
			continue
		}
		var found []string
		err := eachEntry(ctx, d.fd[sub], buf.grown(roomFor(g[sub], 0)), func(file []byte, kind byte) {
			if isMail(file, kind) && bytes.Contains(file, old) {
				found = append(found, string(file))
			}
		})
		if err != nil {
			return renamed, failed(store.ScopeFolder, pathErr("read", path+"/"+subs[sub], err))
		}
		for _, from := range found {
			if err := ctx.Err(); err != nil {
				return renamed, err
			}
			to := string(bytes.ReplaceAll([]byte(from), old, now))
			if !dryRun {
				switch err := renameOver(d.fd[sub], from, d.fd[sub], to); err {
				case nil:
				case unix.ENOENT:
					continue // another program was faster: the next time it has its new name
				case unix.EEXIST:
					taken = failed(store.ScopeFolder, pathErr("rename "+d.at(sub, from), d.at(sub, to), err))
					continue
				default:
					return renamed, failed(store.ScopeFolder, pathErr("rename", d.at(sub, from), err))
				}
				if s.o.Changed != nil {
					s.o.Changed(d.at(sub, from), d.at(sub, to))
				}
			}
			renamed++
		}
		if !dryRun && renamed > 0 && s.o.Durable {
			if err := unix.Fsync(d.fd[sub]); err != nil {
				return renamed, failed(store.ScopeFolder, pathErr("sync", path+"/"+subs[sub], err))
			}
		}
	}
	return renamed, taken
}
