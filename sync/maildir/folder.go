package maildir

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// folder is a handle to one folder. It keeps no file open between calls.
type folder struct {
	s        *Store
	name     string
	readOnly bool
	bad      error // why no folder can have this name
	scheme   scheme
	places   places
}

// Begin starts changes; the first of them opens the folder.
func (f *folder) Begin() store.Work { return &work{f: f} }

// Close forgets where mails were seen.
func (f *folder) Close() { f.places.reset(nil, nil) }

func (f *folder) path() string { return f.s.path(f.name) }

// look glances at new and cur. Where one of them is missing it is made, durably:
// were it lost once it holds mails, these would look deleted. A folder that is
// only read stays as it is.
func (f *folder) look(ctx context.Context) ([2]glance, error) {
	g, err := lookBoth(f.path())
	if err != nil || f.readOnly {
		return g, err
	}
	made := false
	for i, one := range g {
		if !one.missing() {
			continue
		}
		path := f.path() + "/" + subs[i]
		if err := unix.Mkdir(path, 0o700); err != nil && err != unix.EEXIST {
			return g, pathErr("mkdir", path, err)
		}
		made = true
	}
	if !made {
		return g, nil
	}
	if f.s.o.Durable {
		if err := f.writeDirectory(ctx); err != nil {
			return g, err
		}
	}
	return lookBoth(f.path())
}

// writeDirectory has the names of new, cur and tmp written to the disk.
func (f *folder) writeDirectory(ctx context.Context) error {
	fd, err := openAt(unix.AT_FDCWD, f.path(), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return pathErr("open", f.path(), err)
	}
	defer unix.Close(fd)
	c := commit{ctx: ctx, durable: true}
	return c.wait(fd, "fsync", f.path(), unix.Fsync)
}

// fail names the folder in an error of the file system.
func (f *folder) fail(what string, err error) error {
	return fmt.Errorf("%s %q: %w", what, f.name, failed(store.ScopeFolder, err))
}

// place is where a mail is: new or cur, its file name, and how much of that is
// the base, which other programs leave as it is.
type place struct {
	sub, base int
	name      string
}

// places remembers where mails were seen, so that a Fetch and the Assign after
// it need no reading of the directory. It is shared by the Works of a folder.
// What it says may be out of date.
type places struct {
	mu sync.Mutex
	at map[mail.Ref]place
	// copies are the bases of files that carry the UID of another file: the last
	// Scan reported them as Fresh, so they must not be taken for that UID's mail.
	copies map[string]bool
}

// most is how many places are remembered, so that a mailbox of any size is not
// held in memory by its names.
const most = 1 << 14

func (p *places) reset(at map[mail.Ref]place, copies map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(at) > most || at == nil {
		at = map[mail.Ref]place{}
	}
	p.at, p.copies = at, copies
}

func (p *places) get(r mail.Ref) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[r]
	return at, ok
}

func (p *places) put(r mail.Ref, at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= most {
		clear(p.at)
	}
	p.at[r] = at
}

func (p *places) forget(r mail.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, r)
}

// known returns the copies; the map is never written to.
func (p *places) known() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.copies
}
