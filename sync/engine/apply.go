package engine

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// apply carries a plan out, but for removals on the server: first what adds
// mails, then flags, and last what removes. A mail that fails is noted and stays for the next run; an error ends
// the folder.
func (f *folderRun) apply(ctx context.Context, p *merge.Plan) error {
	if total := len(p.Download) + len(p.Upload); total > 0 {
		f.tell(Event{Kind: FolderStarted, Total: total})
	}
	if err := f.download(ctx, p); err != nil {
		return err
	}
	if err := f.brought(ctx); err != nil {
		return err
	}
	if err := f.upload(ctx, p); err != nil {
		return err
	}
	return f.change(ctx, p)
}

// brought notes that the first download of a folder came to its end.
func (f *folderRun) brought(ctx context.Context) error {
	if f.known.RemoteStamp.Token != begunToken {
		return nil
	}
	f.known.RemoteStamp.Token = ""
	if err := f.run.committer.write(ctx, false, state.SetStamps{Folder: f.known.ID, Remote: &f.known.RemoteStamp}); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// chunk sizes, in mails: small enough that several sessions share a folder,
// large enough that the round trip of each does not show.
const (
	chunkLeast = 100
	chunkMost  = 1000
)

// chunkResult is what became of one chunk of downloads.
type chunkResult struct {
	mails    int
	bytes    int64
	problems []Problem
	missing  []mail.UID
	pending  []handed // what the committer has yet to answer
	err      error
}

// handed is a chunk that the committer has got.
type handed struct {
	done   <-chan error
	unseen []mail.UID
	work   store.Work
}

// download copies mails to the local side, in chunks that as many workers take
// on as are free.
func (f *folderRun) download(ctx context.Context, p *merge.Plan) error {
	n := len(p.Download)
	if n == 0 {
		return nil
	}
	parallel := max(1, f.run.Remote.Properties().Parallel)
	size := min(max(n/(2*parallel), chunkLeast), chunkMost)
	chunks := make(chan []mail.Entry, n/size+1)
	for c := range slices.Chunk(p.Download, size) {
		chunks <- c
	}
	close(chunks)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan chunkResult)
	helpers := min(len(chunks)-1, parallel-1)
	if f.run.Policy.OneSession {
		helpers = 0
	}
	// A helper must not be waited for longer than there is something to help
	// with: the tokens it waits for may be held by folders that wait likewise.
	finished := make(chan struct{})
	for range helpers {
		go func() {
			select {
			case f.run.tokens <- struct{}{}:
				defer func() { <-f.run.tokens }()
			case <-finished:
				results <- chunkResult{}
				return
			}
			remote := f.run.Remote.Open(f.remoteName, false)
			defer remote.Close()
			results <- f.chunks(ctx, remote, chunks, n, p.Shared)
		}()
	}
	go func() {
		r := f.chunks(ctx, f.remote, chunks, n, p.Shared)
		close(finished)
		results <- r
	}()

	var missing []mail.UID
	var pending []handed
	var err error
	for range helpers + 1 {
		r := <-results
		pending = append(pending, r.pending...)
		f.report.Counts.Downloaded += r.mails
		f.report.Counts.Bytes += r.bytes
		f.report.Problems = append(f.report.Problems, r.problems...)
		missing = append(missing, r.missing...)
		f.remoteDirty = f.remoteDirty || len(r.problems) > 0
		if r.err != nil && (err == nil || store.ClassOf(err) == store.Cancelled) {
			err = r.err
			cancel()
		}
	}
	// The line is another folder's while this one waits for the disk.
	<-f.run.tokens
	for _, h := range pending {
		e := <-h.done
		if e == nil {
			h.unseen = f.refused(h)
		}
		switch {
		case e == nil:
			f.report.Unseen += len(h.unseen)
			if !f.first {
				f.report.New = append(f.report.New, h.unseen...)
			}
		case err == nil:
			err = e
		}
	}
	slices.Sort(f.report.New)
	f.run.tokens <- struct{}{}
	if err != nil {
		return fmt.Errorf("download from %q: %w", f.report.Name, err)
	}
	return f.missed(ctx, missing)
}

// missed tells mails that were removed meanwhile, which is nobody's fault,
// from those that the server lists but does not give.
func (f *folderRun) missed(ctx context.Context, uids []mail.UID) error {
	if len(uids) == 0 {
		return nil
	}
	f.remoteDirty = true
	refs := make([]mail.Ref, len(uids))
	for i, u := range uids {
		refs[i].UID = u
	}
	if err := f.remote.Headers(ctx, refs, func(h mail.Header) {
		f.note(h.Ref.UID, store.Fail(store.Protocol, store.ScopeMail,
			fmt.Errorf("the server lists mail %d of %q but does not give it; it is asked for again in every run", h.Ref.UID, f.report.Name)))
	}); err != nil {
		return fmt.Errorf("look for mails in %q: %w", f.report.Name, err)
	}
	return nil
}

// chunks copies chunks, which hold total mails, until there are none left. What
// it wrote is committed while the next chunk is on its way.
func (f *folderRun) chunks(ctx context.Context, remote store.Folder, chunks <-chan []mail.Entry, total int, shared mail.Flags) chunkResult {
	local := f.run.Local.Open(f.localName, false)
	defer local.Close()
	var res chunkResult
	for c := range chunks {
		done := make(chan error, 1)
		work := local.Begin()
		rows, err := f.chunk(ctx, remote, work, c, progress{side: guard.Local, total: total}, shared, &res, done)
		res.pending = append(res.pending, handed{done, unseen(rows, c), work})
		if err != nil {
			res.err = err
			break
		}
		res.mails += len(rows)
	}
	return res
}

// chunk copies one chunk and hands it to the committer, which answers on done.
func (f *folderRun) chunk(ctx context.Context, remote store.Folder, work store.Work, c []mail.Entry, p progress, shared mail.Flags, res *chunkResult, done chan error) ([]mail.Entry, error) {
	refs := make([]mail.Ref, len(c))
	for i, e := range c {
		refs[i].UID = e.UID
	}
	rows := make([]mail.Entry, 0, len(c))
	tried := 0
	err := remote.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		i, ok := slices.BinarySearchFunc(c, m.Ref.UID, byUID)
		if !ok {
			return nil
		}
		tried++
		m.Flags = c[i].Flags
		if err := work.Put(ctx, m, r); err != nil {
			err = fmt.Errorf("store mail %d of %q: %w", m.Ref.UID, f.report.Name, err)
			if store.ScopeOf(err) == store.ScopeMail {
				bad := problem(err)
				bad.UID = m.Ref.UID
				res.problems = append(res.problems, bad)
			}
			return err
		}
		rows = append(rows, mail.Entry{UID: m.Ref.UID, Flags: c[i].Flags & shared})
		res.bytes += max(0, m.Size)
		p.mail(f, m.Ref.UID, m.Size)
		return nil
	})
	p.flush(f)
	if err == nil && tried < len(c) {
		res.missing = append(res.missing, lacking(c, rows, res.problems)...)
	}
	// What arrived is kept even where the rest did not: the way here was long.
	if len(rows) == 0 {
		work.Discard()
		done <- nil
		return rows, err
	}
	folder := f.known.ID
	b := batch{works: []store.Work{work}, done: done, changes: func() []state.Change {
		return []state.Change{state.PutRows{Folder: folder, Rows: stored(rows, work)}}
	}}
	f.run.committer.in <- b
	return rows, err
}

// unseen returns the UIDs of rows whose mails in c are neither read nor on
// their way out. The rows themselves only have the flags that both sides keep.
func unseen(rows, c []mail.Entry) []mail.UID {
	var out []mail.UID
	for _, e := range rows {
		if i, ok := slices.BinarySearchFunc(c, e.UID, byUID); ok && c[i].Flags&(mail.Seen|mail.Trashed) == 0 {
			out = append(out, e.UID)
		}
	}
	return out
}

// lacking returns the UIDs of c that neither arrived nor failed.
func lacking(c, rows []mail.Entry, problems []Problem) []mail.UID {
	seen := map[mail.UID]bool{}
	for _, e := range rows {
		seen[e.UID] = true
	}
	for _, p := range problems {
		seen[p.UID] = true
	}
	var out []mail.UID
	for _, e := range c {
		if !seen[e.UID] {
			out = append(out, e.UID)
		}
	}
	return out
}

// progress tells the observer of mails a few at a time: each event is handed
// from one goroutine to another.
type progress struct {
	side  string // where to
	total int    // mails that go there
	mails int
	bytes int64
	uids  []mail.UID
}

// mail counts one more; uid is 0 where it is not known yet.
func (p *progress) mail(f *folderRun, uid mail.UID, size int64) {
	p.mails++
	if uid != 0 {
		p.uids = append(p.uids, uid)
	}
	p.bytes += max(0, size)
	if p.mails >= 32 || p.bytes >= 1<<20 {
		p.flush(f)
	}
}

func (p *progress) flush(f *folderRun) {
	if p.mails > 0 {
		f.tell(Event{Kind: FolderProgress, Side: p.side, UIDs: mail.SetOf(p.uids...), Done: p.mails, Total: p.total, Bytes: p.bytes})
		*p = progress{side: p.side, total: p.total, uids: p.uids[:0]}
	}
}

// change carries out flags, on the server first, and removals here. What fails
// there must not be in the base, and what fails here is found again by the next
// run. Removals on the server come at the end of the run.
func (f *folderRun) change(ctx context.Context, p *merge.Plan) error {
	rows := p.Rows
	drop := slices.Clone(p.Forget)
	skip := map[mail.UID]bool{}

	if len(p.RemoteFlags) > 0 {
		w := f.remote.Begin()
		defer w.Discard()
		err := changeIn(ctx, w, p.RemoteFlags, nil, skip)
		if err == nil {
			if err = f.run.Remote.Commit(ctx, w); err == nil {
				err = w.Err()
			}
		}
		if err != nil {
			return fmt.Errorf("change %q on the server: %w", f.report.Name, err)
		}
		f.report.Counts.FlagsRemote += len(p.RemoteFlags)
		f.tellFlags(guard.Remote, p.RemoteFlags)
	}
	var works []store.Work
	if len(p.LocalFlags) > 0 || len(p.RemoveLocal) > 0 {
		w := f.local.Begin()
		defer w.Discard()
		if err := changeIn(ctx, w, p.LocalFlags, p.RemoveLocal, skip); err != nil {
			return fmt.Errorf("change the local folder %q: %w", f.localName, err)
		}
		works = append(works, w)
		drop = append(drop, p.RemoveLocal...)
	}
	if len(skip) > 0 {
		// Gone between the scan and now: the next run finds out where to.
		rows = slices.DeleteFunc(slices.Clone(rows), func(e mail.Entry) bool { return skip[e.UID] })
		f.localDirty, f.remoteDirty = true, true
	}
	if len(works) == 0 && len(rows) == 0 && len(drop) == 0 {
		return nil
	}
	var changes []state.Change
	if len(rows) > 0 {
		changes = append(changes, state.PutRows{Folder: f.known.ID, Rows: rows})
	}
	if len(drop) > 0 {
		changes = append(changes, state.DropRows{Folder: f.known.ID, UIDs: drop})
	}
	if err := f.run.committer.do(ctx, false, works, func() []state.Change { return changes }); err != nil {
		return fmt.Errorf("change the local folder %q: %w", f.localName, err)
	}
	f.report.Counts.FlagsLocal += len(p.LocalFlags)
	f.report.Counts.RemovedLocal += len(p.RemoveLocal)
	f.tellFlags(guard.Local, p.LocalFlags)
	f.tellRemoved(guard.Local, p.RemoveLocal)
	return nil
}

func changeIn(ctx context.Context, w store.Work, flags []mail.FlagChange, remove []mail.UID, gone map[mail.UID]bool) error {
	if len(flags) > 0 {
		missing, err := w.SetFlags(ctx, flags)
		if err != nil {
			return err
		}
		for _, u := range missing {
			gone[u] = true
		}
	}
	if len(remove) > 0 {
		return w.Remove(ctx, remove)
	}
	return nil
}
