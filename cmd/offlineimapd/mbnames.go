package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/mbnames"
	"github.com/offlineimap/offlineimapd/internal/pyexpr"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
)

// mailboxList is the file of mailbox names that a configuration asks for in
// [mbnames]; nil: it asks for none. Several runs at once may record theirs. What
// goes wrong with it is told and fails no run.
type mailboxList struct {
	conf   config.MBNames
	dir    string // of what is kept of each account
	python *python.Evaluator
	always bool // written whenever an account was recorded, not only by finish
	warn   func(text string)

	turn   chan struct{}     // holds one token, for what follows
	writer *mbnames.Writer   // nil: no expression was evaluated yet
	waits  bool              // something was recorded that is not written
	told   map[string]string // what failed last, by account; "" for finish
}

// newMailboxList evaluates nothing yet. warn may be called at any time.
func newMailboxList(cfg *config.Config, ev *python.Evaluator, always bool, warn func(text string)) *mailboxList {
	c := cfg.General.MBNames
	if !c.Enabled {
		return nil
	}
	l := &mailboxList{conf: c, dir: namesDir(cfg), python: ev, always: always || c.Incremental, warn: warn, turn: make(chan struct{}, 1), told: map[string]string{}}
	l.turn <- struct{}{}
	return l
}

// namesDir is where OfflineIMAP keeps what it knows of each account's folders.
func namesDir(cfg *config.Config) string { return filepath.Join(cfg.General.Metadata, "mbnames") }

// record keeps the folders of an account after a run of all of them.
func (l *mailboxList) record(ctx context.Context, a *config.Account, r *engine.Report, places map[string]int) {
	if l == nil {
		return
	}
	root := ""
	if a.Local.Maildir != nil {
		root = a.Local.Maildir.LocalFolders
	}
	folders, known := recorded(r, root, places)
	if !known {
		return
	}
	l.do(ctx, a.Name, func(w *mbnames.Writer) error {
		if err := w.Record(ctx, a.Name, root, folders); err != nil {
			return err
		}
		if l.waits = !l.always; l.waits {
			return nil
		}
		return w.Write(ctx)
	})
}

// finish writes what was recorded and is not written yet.
func (l *mailboxList) finish(ctx context.Context) {
	if l == nil {
		return
	}
	l.do(ctx, "", func(w *mbnames.Writer) error {
		if !l.waits {
			return nil // with nothing new, the file stays as it is
		}
		l.waits = false
		return w.Write(ctx)
	})
}

// do works with the writer for an account, one at a time, and tells what failed;
// what fails again in the same manner is told once.
func (l *mailboxList) do(ctx context.Context, account string, work func(*mbnames.Writer) error) {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return
	}
	defer func() { l.turn <- struct{}{} }()
	w, err := l.open(ctx)
	if err == nil {
		err = work(w)
	}
	text := ""
	if err != nil {
		text = fmt.Sprintf("the file of mailbox names %s stays as it is: %v", l.conf.Filename, err)
	}
	if text != "" && text != l.told[account] && ctx.Err() == nil {
		l.warn(text)
	}
	l.told[account] = text
}

// open evaluates the section, one time if that succeeds.
func (l *mailboxList) open(ctx context.Context) (*mbnames.Writer, error) {
	if l.writer != nil {
		return l.writer, nil
	}
	o := mbnames.Options{Dir: l.dir, File: l.conf.Filename, PerItem: l.conf.PerItem, Warn: l.warn}
	for _, e := range []struct {
		config.Expression
		to *string
	}{{l.conf.Header, &o.Header}, {l.conf.Sep, &o.Sep}, {l.conf.Footer, &o.Footer}} {
		v, err := text(ctx, l.python, e.Expression)
		if err != nil {
			return nil, err
		}
		*e.to = v
	}
	filter, err := callable(ctx, l.python, l.conf.Filter, "lambda accountname, foldername: …")
	if err != nil {
		return nil, err
	}
	if filter != nil {
		o.Filter = func(ctx context.Context, account, folder string) (bool, error) {
			v, err := filter.Call(ctx, account, folder)
			return truth(v), err
		}
	}
	key, err := callable(ctx, l.python, l.conf.SortKey, "lambda d: d['foldername']")
	if err != nil {
		return nil, err
	}
	if key != nil {
		o.SortKey = func(ctx context.Context, it mbnames.Item) (any, error) {
			return key.Call(ctx, pyexpr.Dict{
				{Key: "accountname", Value: it.Account}, {Key: "foldername", Value: it.Folder}, {Key: "localfolders", Value: it.LocalFolders},
			})
		}
	}
	l.writer, err = mbnames.New(o)
	return l.writer, err
}

// callable evaluates an option that is a function, such as the example; nil where
// it is not set.
func callable(ctx context.Context, ev *python.Evaluator, e config.Expression, example string) (pyexpr.Func, error) {
	if e.Source == "" {
		return nil, nil
	}
	v, err := ev.Eval(ctx, e.Source)
	if err != nil {
		return nil, wrong(e, err)
	}
	f, ok := v.(pyexpr.Func)
	if !ok {
		return nil, wrong(e, fmt.Errorf("it is %s, and must be a function, such as %s", kindOf(v), example))
	}
	return f, nil
}

// recorded returns the local folders that are in the list after a run, in
// OfflineIMAP's order: that of foldersort, or without regard to case. Those that
// failed or are held are there all the same; known is false where the run did not
// come to see what folders there are.
func recorded(r *engine.Report, root string, places map[string]int) (folders []string, known bool) {
	type folder struct {
		local, lower string
		place        int
	}
	var all []folder
	for _, f := range r.Folders {
		if f.Hold != nil && slices.ContainsFunc(f.Hold.Reasons, wholeAccount) {
			return nil, false
		}
		if f.Local == "" || f.Result == engine.Skipped && !kept(f, root) {
			continue
		}
		all = append(all, folder{f.Local, strings.ToLower(f.Local), places[f.Name]})
	}
	slices.SortFunc(all, func(a, b folder) int {
		return cmp.Or(cmp.Compare(a.place, b.place), strings.Compare(a.lower, b.lower), strings.Compare(a.local, b.local))
	})
	for _, f := range all {
		if !slices.Contains(folders, f.local) {
			folders = append(folders, f.local)
		}
	}
	return folders, true
}

func wholeAccount(r guard.Reason) bool {
	return r.Code == guard.RootMissing || r.Code == guard.RootForeign || r.Code == guard.OtherRemote
}

// kept tells whether a folder that was skipped is there, and meant to be.
func kept(f engine.Folder, root string) bool {
	if root == "" || slices.ContainsFunc(f.Problems, func(p engine.Problem) bool { return errors.Is(p.Err, engine.ErrForbidden) }) {
		return false
	}
	info, err := os.Stat(filepath.Join(root, f.Local, "cur"))
	return err == nil && info.IsDir()
}

// pruneMailboxNames removes what is kept of accounts that are not among those of
// the configuration, or of all where no file of mailbox names is wanted, and
// writes the file anew if one is. note is told what is removed, or in a dry run
// would be.
func pruneMailboxNames(ctx context.Context, cfg *config.Config, dryRun bool, note func(text string)) error {
	keep := cfg.General.Accounts
	if !cfg.General.MBNames.Enabled {
		keep = nil
	}
	removed, err := mbnames.Prune(ctx, namesDir(cfg), keep, dryRun)
	done := "removed"
	if dryRun {
		done = "would remove"
	}
	for _, name := range removed {
		note(fmt.Sprintf("%s the mailbox names of account %q", done, name))
	}
	if err != nil || dryRun {
		return err
	}
	ev := evaluator(cfg, func(line string) { note("python3: " + line) })
	defer ev.Close()
	l := newMailboxList(cfg, ev, true, note)
	if l == nil {
		return nil
	}
	w, err := l.open(ctx)
	if err != nil {
		return err
	}
	return w.Write(ctx)
}
