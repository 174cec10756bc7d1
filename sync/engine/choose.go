package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// approve finds the folders that a person meant.
func (r *run) approve(jobs []*folderRun, rep *Report) {
	for _, a := range r.Approve {
		if a == ApproveRoot {
			continue
		}
		meant := r.meant(a, jobs)
		for _, f := range meant {
			f.approved = true
		}
		if len(meant) == 0 {
			rep.Notes = append(rep.Notes, fmt.Sprintf("there is no folder %q to approve", a))
		}
	}
}

// choose keeps the folders that Request.Only names, and puts the others aside.
func (r *run) choose(jobs, skipped []*folderRun) (chosen, skips []*folderRun) {
	if len(r.Only) == 0 {
		return jobs, skipped
	}
	all := slices.Concat(jobs, skipped)
	wanted := map[*folderRun]bool{}
	for _, name := range r.Only {
		exists := false
		for _, f := range r.meant(name, all) {
			wanted[f] = true
			// What only the base knows is gone from both sides.
			exists = exists || f.localBox != nil || f.remoteBox != nil || f.report.Result == Skipped
		}
		if !exists {
			r.absent = append(r.absent, store.Fail(store.Config, store.ScopeFolder, noFolder(name)))
		}
	}
	unwanted := func(f *folderRun) bool { return !wanted[f] }
	for _, f := range jobs {
		if unwanted(f) {
			r.left = append(r.left, f)
		}
	}
	return slices.DeleteFunc(jobs, unwanted), slices.DeleteFunc(skipped, unwanted)
}

// noFolder is an ErrNoFolder, with the name in question.
type noFolder string

func (n noFolder) Error() string        { return fmt.Sprintf("there is no folder %q", string(n)) }
func (n noFolder) Is(target error) bool { return target == ErrNoFolder }

// meant returns the folders of a name that a person gave. The name of the
// account may stand before that of the folder, unless a folder is called so
// itself.
func (r *run) meant(name string, folders []*folderRun) []*folderRun {
	called := func(s string) (fs []*folderRun) {
		for _, f := range folders {
			if f.named(s) {
				fs = append(fs, f)
			}
		}
		return fs
	}
	fs := called(name)
	if own, ok := strings.CutPrefix(name, r.Account+"/"); ok && len(fs) == 0 {
		fs = called(own)
	}
	return fs
}

func (f *folderRun) named(s string) bool {
	return s != "" && (s == f.report.Name || s == f.remoteName || s == f.localName) ||
		names.IsInbox(s) && names.IsInbox(f.remoteName)
}
