package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/state"
)

// Renamed is a local store in whose files stands what their folder is called on the
// other side. With another nametrans it is called otherwise, and the files are still
// the same: without this all of them would seem to be new, and those that the base
// knows to be gone.
type Renamed interface {
	// Formerly says which other names a folder had, before it is opened.
	Formerly(folder string, names []string)
	// Rehash has the files of a folder that bear one of them bear the present one,
	// and returns how many there were.
	Rehash(ctx context.Context, folder, formerly string, dryRun bool) (int, error)
}

// metaVisible is the beginning of a key in the state that holds what a local folder
// is called on the other side, the last name first, one a line; those behind it are
// names that some of its files may still bear. A folder without one is called there
// as it is here.
const metaVisible = "visible/"

// called is what a local folder is called on the other side, before separators
// are changed.
func (p Policy) called(folder string) (string, error) {
	if p.Names.Back == nil {
		return folder, nil
	}
	return p.Names.Back(folder)
}

// formerly has the files of known folders that are called otherwise now bear their
// present name. That is noted before, as it may be cut off; and until it is done, or
// in a dry run, the store knows the files by either name. It must be done at once: a
// name that one folder had may be that of another, whose files are moved there one day.
func (r *run) formerly(ctx context.Context, known []state.Folder, rep *Report) error {
	local, ok := r.Local.(Renamed)
	if !ok {
		return nil
	}
	kept, err := r.State.Metas(ctx, metaVisible)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	r.former = map[string]bool{}
	for _, k := range known {
		now, err := r.Policy.called(k.Local)
		if err != nil {
			continue // it takes no part
		}
		names := []string{k.Local}
		if v, ok := kept[k.Local]; ok {
			names = strings.Split(v, "\n")
		}
		if names[0] != now {
			names = append([]string{now}, slices.DeleteFunc(names, func(n string) bool { return n == now })...)
			if err := r.note(ctx, k.Local, names); err != nil {
				return err
			}
		}
		if len(names) > 1 && !r.DryRun && !r.Policy.LocalReadOnly {
			if names, err = r.rehash(ctx, local, k.Local, names, rep); err != nil {
				return err
			}
		}
		if len(names) > 1 {
			local.Formerly(k.Local, names[1:])
			r.former[k.Local] = true
		}
	}
	return nil
}

// rehash returns the names that are left to a folder: what could not be renamed is
// known by its old name, and told; another run tries again.
func (r *run) rehash(ctx context.Context, local Renamed, folder string, names []string, rep *Report) ([]string, error) {
	for _, was := range names[1:] {
		if _, err := local.Rehash(ctx, folder, was, false); err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // without a directory there is nothing to rename
				rep.Notes = append(rep.Notes, fmt.Sprintf("files of %q could not be renamed after another nametrans: %v", folder, err))
			}
			return names, ctx.Err()
		}
	}
	return names[:1], r.note(ctx, folder, names[:1])
}

// note writes down the names of a folder.
func (r *run) note(ctx context.Context, folder string, names []string) error {
	if r.DryRun {
		return nil
	}
	if err := r.State.Commit(ctx, true, state.SetMeta{Key: metaVisible + folder, Value: strings.Join(names, "\n")}); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// called notes with a new folder what it is called on the other side.
func (f *folderRun) called() []state.Change {
	now, err := f.run.Policy.called(f.localName)
	if err != nil || now == f.localName || strings.Contains(now, "\n") || f.run.former[f.localName] {
		return nil
	}
	return []state.Change{state.SetMeta{Key: metaVisible + f.localName, Value: now}}
}
