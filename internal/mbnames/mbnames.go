package mbnames

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options are the section [mbnames]. Paths are expanded, and header, sep and
// footer evaluated; peritem is as it stands in the file.
type Options struct {
	Dir                          string // "mbnames" in the metadata directory; made where it is missing
	File                         string // the output; its directory is not made
	Header, Sep, Footer, PerItem string
	// Filter says whether a local folder is in the list. Nil: all are.
	Filter func(ctx context.Context, account, folder string) (bool, error)
	// SortKey gives the value of Python's (see pyexpr) that the list is sorted by.
	// Nil: it is sorted by account and folder. Equal keys leave accounts in the order
	// of their files' names and folders in that of the run. It is called while the
	// lock is held.
	SortKey func(ctx context.Context, it Item) (any, error)
	// Warn is told what a person should know though the list was written, in one
	// line, once for each cache that is damaged. It must not call the Writer. Nil:
	// nobody is told.
	Warn func(text string)
}

// Writer keeps the list. It is safe for use by several goroutines, and several
// programs may write the same list at once.
type Writer struct {
	o         Options
	item      template
	turn      chan struct{} // holds one token: a flock may not exclude within a process (NFS)
	lockLimit time.Duration

	// The rest is for who has the token.
	told   map[string]string // what was said of each damaged cache
	source [sha256.Size]byte // what text was made of; zero: there is none
	text   []byte
}

// New checks the options, and reads and writes nothing. Its errors name the option
// that is wrong.
func New(o Options) (*Writer, error) {
	item, err := parseTemplate(o.PerItem)
	switch {
	case err != nil:
		return nil, fmt.Errorf("[mbnames] peritem: %w", err)
	case o.File == "":
		return nil, errors.New("[mbnames] filename: it is empty")
	case o.Dir == "":
		return nil, errors.New("there is no directory for the names of mailboxes")
	}
	w := &Writer{o: o, item: item, turn: make(chan struct{}, 1), lockLimit: lockLimit, told: map[string]string{}}
	w.turn <- struct{}{}
	return w, nil
}

// Record keeps the local folders of an account, in the order of its run, for the
// next Write. They must be all of them: after a run of some folders only, or one
// that could not list them, it must not be called, else the list shrinks.
//
// Nothing is kept where the filter fails.
func (w *Writer) Record(ctx context.Context, account, localFolders string, folders []string) error {
	name, err := fileName(account)
	if err != nil {
		return fmt.Errorf("keep the names of mailboxes: %w", err)
	}
	var items []Item
	for _, f := range folders {
		if w.o.Filter != nil {
			ok, err := w.o.Filter(ctx, account, f)
			if err != nil {
				return fmt.Errorf("[mbnames] folderfilter: folder %q of account %q: %w", f, account, err)
			}
			if !ok {
				continue
			}
		}
		items = append(items, Item{account, f, localFolders})
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("keep the names of mailboxes: %w", err)
	}
	if err := os.MkdirAll(w.o.Dir, 0o700); err != nil {
		return fmt.Errorf("keep the names of mailboxes: %w", err)
	}
	if err := replace(filepath.Join(w.o.Dir, name), encode(items)); err != nil {
		return fmt.Errorf("keep the names of mailboxes of account %q: %w", account, err)
	}
	return nil
}

// Write makes the output of what all accounts have in the directory, those of
// other configurations too. An output that would not change is left alone.
func (w *Writer) Write(ctx context.Context) error {
	if err := w.write(ctx); err != nil {
		return fmt.Errorf("write the file of mailbox names %q: %w", w.o.File, err)
	}
	return nil
}

func (w *Writer) write(ctx context.Context) (err error) {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.turn <- struct{}{} }()
	if err := os.MkdirAll(w.o.Dir, 0o700); err != nil {
		return err
	}
	unlock, err := lock(ctx, w.o.Dir, w.lockLimit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	text, err := w.render(ctx)
	if err != nil {
		return err
	}
	return replace(w.o.File, text)
}

// render returns what the output should be. The functions of the configuration are
// asked anew only when a cache has changed.
func (w *Writer) render(ctx context.Context) ([]byte, error) {
	names, err := caches(w.o.Dir)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	var items []Item
	for _, name := range names {
		data, err := readBounded(filepath.Join(w.o.Dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // OfflineIMAP, which takes no lock, removed it
		}
		var some []Item
		if err == nil {
			some, err = decode(data)
		}
		w.tell(name, err)
		items = append(items, some...)
		fmt.Fprintf(sum, "%q %d %t\n", name, len(data), err == nil)
		sum.Write(data)
	}
	if source := [sha256.Size]byte(sum.Sum(nil)); source != w.source {
		text, err := w.join(ctx, items)
		if err != nil {
			return nil, err
		}
		w.text, w.source = text, source
	}
	return w.text, ctx.Err()
}

func (w *Writer) join(ctx context.Context, items []Item) ([]byte, error) {
	if err := sortItems(ctx, items, w.o.SortKey); err != nil {
		return nil, fmt.Errorf("[mbnames] sort_keyfunc: %w", err)
	}
	var b strings.Builder
	b.WriteString(w.o.Header)
	for i, it := range items {
		if i > 0 {
			b.WriteString(w.o.Sep)
		}
		w.item.expand(&b, it)
	}
	b.WriteString(w.o.Footer)
	return []byte(b.String()), nil
}

// tell warns of a cache that cannot be used, once for each reason.
func (w *Writer) tell(name string, err error) {
	if err == nil {
		delete(w.told, name)
		return
	}
	if w.told[name] == err.Error() {
		return
	}
	w.told[name] = err.Error()
	if w.o.Warn != nil {
		w.o.Warn(fmt.Sprintf("the mailboxes of account %q are not in %q until its next sync: %q cannot be used: %v",
			strings.TrimSuffix(name, suffix), w.o.File, filepath.Join(w.o.Dir, name), err))
	}
}

// same tells whether the file at path holds data.
func same(path string, size int64, data []byte) bool {
	if size != int64(len(data)) {
		return false
	}
	old, err := os.ReadFile(path)
	return err == nil && bytes.Equal(old, data)
}
