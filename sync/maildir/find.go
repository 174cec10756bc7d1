package maildir

import (
	"context"
	"errors"
	"io/fs"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// each calls do for every mail with its place, and returns the numbers of those
// that are gone. Where do says that the file is not there, because another
// program renamed it since it was seen, the mail is looked up again, once. do
// returns where the mail is then, or no place where it removed it.
func (f *folder) each(ctx context.Context, d *dirs, buf *buffer, refs []mail.Ref, do func(i int, at place) (place, error)) (gone []int, err error) {
	todo := make([]int, len(refs))
	for i := range refs {
		todo[i] = i
	}
	for round := 0; round < 2 && len(todo) > 0; round++ {
		var unknown []mail.Ref
		for _, i := range todo {
			if _, ok := f.places.get(refs[i]); !ok {
				unknown = append(unknown, refs[i])
			}
		}
		found, err := f.find(ctx, d, buf, unknown)
		if err != nil {
			return nil, err
		}
		var missed []int
		for _, i := range todo {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			at, ok := found[refs[i]]
			if !ok {
				at, ok = f.places.get(refs[i])
			}
			if !ok || at.name == "" {
				missed = append(missed, i)
				continue
			}
			now, err := do(i, at)
			if errors.Is(err, fs.ErrNotExist) {
				f.places.forget(refs[i])
				missed = append(missed, i)
				continue
			}
			if err != nil {
				return nil, err
			}
			if now.name == "" {
				f.places.forget(refs[i])
			} else {
				f.places.put(refs[i], now)
			}
			if found != nil {
				found[refs[i]] = now
			}
		}
		todo = missed
	}
	return todo, nil
}

// find looks mails up by reading the directories once, and once more for those
// that were not there: they may have been on their way from one to the other.
func (f *folder) find(ctx context.Context, d *dirs, buf *buffer, refs []mail.Ref) (map[mail.Ref]place, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	found := make(map[mail.Ref]place, len(refs))
	wanted := make(map[mail.Ref]struct{}, len(refs))
	var uids, keys bool
	for _, r := range refs {
		wanted[r] = struct{}{}
		uids, keys = uids || r.UID != 0, keys || r.UID == 0
	}
	copies := f.places.known()
	for round := 0; round < 2 && len(found) < len(wanted); round++ {
		for sub := range inTmp {
			if d.fd[sub] < 0 {
				continue // missing, in a folder that is only read
			}
			g, err := look(d.path + "/" + subs[sub])
			if err != nil {
				return nil, err
			}
			err = eachEntry(ctx, d.fd[sub], buf.grown(roomFor(g, 0)), func(name []byte, kind byte) {
				if !isMail(name, kind) {
					return
				}
				base, uid, _ := f.scheme.parse(name)
				if uids && uid != 0 {
					r := mail.Ref{UID: uid}
					if _, ok := wanted[r]; ok && !copies[string(name[:base])] {
						// As Scan has it: the base that sorts first has the UID.
						old, ok := found[r]
						if !ok || string(name[:base]) <= old.name[:old.base] {
							found[r] = place{sub, base, string(name)}
						}
					}
				}
				if keys {
					if _, ok := wanted[mail.Ref{Key: string(name[:base])}]; ok {
						n := string(name)
						found[mail.Ref{Key: n[:base]}] = place{sub, base, n}
					}
				}
			})
			if err != nil {
				return nil, pathErr("read", d.path+"/"+subs[sub], err)
			}
		}
	}
	return found, nil
}
