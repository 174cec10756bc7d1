package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// changeRemote makes n of each change on the server: two thirds in INBOX, the
// rest over the other mailboxes. The same seed changes the same mails in every
// account that began alike.
func changeRemote(m *testenv.Mailer, p plan, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	gen := newGenerator(seed)
	now := map[string][]testenv.Message{}
	mails := func(name string) []testenv.Message {
		if _, ok := now[name]; !ok {
			now[name] = m.Messages(name)
		}
		return now[name]
	}
	for i := range p.fresh {
		msg := gen.next()
		m.Append(p.target(i, rnd), msg.body, msg.date, msg.flags...)
	}
	reflag := map[string][]uint32{}
	gone := map[string][]uint32{}
	for i := range p.reflag + p.gone {
		name := p.target(i, rnd)
		list := mails(name)
		if len(list) == 0 {
			continue
		}
		at := rnd.IntN(len(list))
		uid := list[at].UID
		now[name] = slices.Delete(list, at, at+1) // each mail once
		if i < p.reflag {
			reflag[name] = append(reflag[name], uid)
		} else {
			gone[name] = append(gone[name], uid)
		}
	}
	for _, b := range p.boxes {
		if uids := reflag[b.name]; len(uids) > 0 {
			half := len(uids) / 2
			if half > 0 {
				m.Store(b.name, set(uids[:half]), "-FLAGS", `\Seen`)
			}
			m.Store(b.name, set(uids[half:]), "+FLAGS", `\Flagged`)
		}
		if uids := gone[b.name]; len(uids) > 0 {
			m.Expunge(b.name, set(uids))
		}
	}
}

// target is the mailbox of the i-th change.
func (p plan) target(i int, rnd *rand.Rand) string {
	if i%3 < 2 || len(p.boxes) == 1 {
		return p.boxes[0].name
	}
	return p.boxes[1+rnd.IntN(len(p.boxes)-1)].name
}

func set(uids []uint32) string {
	slices.Sort(uids)
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(uids), " ", ","), "[]")
}

// changeLocal makes the same changes in a Maildir tree, as a mail reader does:
// new files through tmp/, flags by renaming, deletion by removal.
func changeLocal(e *env, root string, p plan, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	gen := newGenerator(seed)
	all := testenv.MaildirSnapshot(e, root, withoutTUID)
	for i := range p.fresh {
		deliver(e, filepath.Join(root, p.target(i, rnd)), gen.next(), i)
	}
	for i := range p.reflag + p.gone {
		name := p.target(i, rnd)
		list := all[name]
		if len(list) == 0 {
			continue
		}
		at := rnd.IntN(len(list))
		f := list[at]
		all[name] = slices.Delete(list, at, at+1)
		path := filepath.Join(root, name, f.Sub, f.Name)
		var err error
		if i >= p.reflag {
			err = os.Remove(path)
		} else {
			err = os.Rename(path, filepath.Join(root, name, "cur", reflagged(f.Name, i%2 == 0)))
		}
		if err != nil {
			e.Fatalf("change the Maildir: %v", err)
		}
	}
}

// reflagged is a file's name with S taken or F set.
func reflagged(name string, unseen bool) string {
	base, letters, _ := strings.Cut(name, ":2,")
	if unseen && strings.Contains(letters, "S") {
		return base + ":2," + strings.ReplaceAll(letters, "S", "")
	}
	if !strings.Contains(letters, "F") {
		// F comes before every other letter but D.
		if rest, ok := strings.CutPrefix(letters, "D"); ok {
			return base + ":2,DF" + rest
		}
		return base + ":2,F" + letters
	}
	return base + ":2," + letters
}

// deliver writes a mail as other programs do, line ends LF; every other one
// has been seen.
func deliver(e *env, dir string, m message, i int) {
	name := fmt.Sprintf("%d.M%dP%d.bench", m.date.Unix(), i, os.Getpid())
	target := filepath.Join(dir, "new", name)
	if slices.Contains(m.flags, `\Seen`) {
		target = filepath.Join(dir, "cur", name+":2,S")
	}
	tmp := filepath.Join(dir, "tmp", name)
	err := os.WriteFile(tmp, []byte(strings.ReplaceAll(string(m.body), "\r\n", "\n")), 0o600)
	if err == nil {
		err = os.Rename(tmp, target)
	}
	if err != nil {
		e.Fatalf("change the Maildir: %v", err)
	}
}

// upload puts n new mails into the local INBOX.
func upload(e *env, root string, n int, seed uint64) {
	gen := newGenerator(seed)
	for i := range n {
		deliver(e, filepath.Join(root, "INBOX"), gen.next(), i)
	}
}
