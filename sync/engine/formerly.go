package engine

import (
	"context"
	"fmt"
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
}

// metaVisible is the beginning of a key in the state that holds what a local folder
// is called on the other side, the last name first, one a line. A folder without
// one is called there as it is here.
const metaVisible = "visible/"

// mostNames is how many names of a folder are remembered.
const mostNames = 8

// called is what a local folder is called on the other side, before separators
// are changed.
func (p Policy) called(folder string) (string, error) {
	if p.Names.Back == nil {
		return folder, nil
	}
	return p.Names.Back(folder)
}

// formerly tells the local store what known folders were called, and notes what
// they are called now before anything is done under that name.
func (r *run) formerly(ctx context.Context, known []state.Folder) error {
	local, ok := r.Local.(Renamed)
	if !ok {
		return nil
	}
	kept, err := r.State.Metas(ctx, metaVisible)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	var changes []state.Change
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
			names = names[:min(len(names), mostNames)]
			changes = append(changes, state.SetMeta{Key: metaVisible + k.Local, Value: strings.Join(names, "\n")})
		}
		if len(names) > 1 {
			local.Formerly(k.Local, names[1:])
		}
	}
	if len(changes) == 0 || r.DryRun {
		return nil
	}
	if err := r.State.Commit(ctx, true, changes...); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// called notes with a new folder what it is called on the other side.
func (f *folderRun) called() []state.Change {
	now, err := f.run.Policy.called(f.localName)
	if err != nil || now == f.localName || strings.Contains(now, "\n") {
		return nil
	}
	return []state.Change{state.SetMeta{Key: metaVisible + f.localName, Value: now}}
}
