package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
)

// newMail calls newmail_hook after a run that brought mails into INBOX which
// nobody has read. What it gives is of no interest, and that it fails is told.
func (w work) newMail(ctx context.Context, r *engine.Report) {
	e := w.account.Remote.IMAP.NewMailHook
	if e.Source == "" || r.DryRun || !slices.ContainsFunc(r.Folders, func(f engine.Folder) bool { return names.IsInbox(f.Name) && f.Unseen > 0 }) {
		return
	}
	f, err := callable(ctx, w.python, e, "lambda: os.system('…')")
	if err == nil {
		if _, err = f.Call(ctx); err != nil {
			err = wrong(e, err)
		}
	}
	if err != nil && ctx.Err() == nil {
		w.note(err.Error())
	}
}

// choices adds to a policy which mails are left out, and which folders come first.
// The names that are there already have been evaluated.
func (w work) choices(ctx context.Context, p *engine.Policy) (*sorting, error) {
	m := w.account.Remote.IMAP
	visible := func(name string) string {
		if p.Names.There != nil {
			if v, err := p.Names.There(name); err == nil {
				return v
			}
		}
		return name
	}
	var err error
	if p.Limits.Ignore, err = w.ignored(ctx, visible); err != nil {
		return nil, err
	}
	p.OneSession = m.SingleThread
	w.idle(ctx)
	if m.FolderSort.Source == "" {
		return nil, nil
	}
	s := &sorting{expression: m.FolderSort, visible: visible, note: w.remark}
	if s.compare, err = callable(ctx, w.python, m.FolderSort, "lambda a, b: …"); err != nil {
		s.tell(err)
		return nil, nil
	}
	p.Order = func(mailboxes []string) map[string]int { return s.order(ctx, mailboxes) }
	return s, nil
}

// idle looks whether idlefolders is what it must be. Nothing is done with it yet.
func (w work) idle(ctx context.Context) {
	e := w.account.Remote.IMAP.IdleFolders
	if e.Source == "" {
		return
	}
	v, err := w.python.Eval(ctx, e.Source)
	if err == nil {
		_, err = texts(v)
	}
	if err != nil && ctx.Err() == nil {
		w.remark(wrong(e, err).Error())
	}
}

// remark tells what is the same in every run, and is read once.
func (w work) remark(text string) {
	if w.remarked != nil {
		if w.remarked[text] {
			return
		}
		w.remarked[text] = true
	}
	w.note(text)
}

// texts reads a list of names.
func texts(v any) (out []string, err error) {
	list, ok := items(v)
	if !ok {
		return nil, fmt.Errorf("it is %s, and must be a list of names", kindOf(v))
	}
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("%s is among the names", kindOf(item))
		}
		out = append(out, s)
	}
	return out, nil
}

// ignored returns which mails of a mailbox are never downloaded, as
// copy_ignore_eval says; nil where it says nothing. visible gives the name of the
// mailbox that the function takes.
func (w work) ignored(ctx context.Context, visible func(mailbox string) string) (func(mailbox string) (mail.Set, error), error) {
	f, err := callable(ctx, w.python, w.account.Remote.IMAP.CopyIgnore, "lambda foldername: {'INBOX': [1, 2]}.get(foldername)")
	if f == nil || err != nil {
		return nil, err
	}
	return remembered(func(mailbox string) (mail.Set, error) {
		v, err := f.Call(ctx, visible(mailbox))
		if err != nil {
			return nil, err
		}
		return uids(v)
	}), nil
}

// uids reads a list of UIDs, or None. A number that no mail can have stands for no
// mail, as in Python.
func uids(v any) (mail.Set, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := items(v)
	if !ok {
		return nil, fmt.Errorf("it gives %s instead of a list of UIDs", kindOf(v))
	}
	var out []mail.UID
	for _, item := range list {
		n, ok := item.(int64)
		if !ok {
			return nil, fmt.Errorf("%s is among the UIDs", kindOf(item))
		}
		if 0 < n && n <= math.MaxUint32 {
			out = append(out, mail.UID(n))
		}
	}
	return mail.SetOf(out...), nil
}
