package service

import (
	"fmt"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/engine"
)

// Summary is the one line that a run leaves.
func Summary(r *engine.Report) string {
	c := r.Counts
	var parts []string
	for _, p := range []struct {
		n            int
		done, coming string
	}{
		{c.Downloaded, "downloaded", "to download"}, {c.Uploaded, "uploaded", "to upload"},
		{c.Paired, "found on both sides", "found on both sides"},
		{c.FlagsLocal, "reflagged here", "to reflag here"}, {c.FlagsRemote, "reflagged on the server", "to reflag on the server"},
		{c.RemovedLocal, "removed here", "to remove here"}, {c.RemovedRemote, "removed on the server", "to remove on the server"},
	} {
		word := p.done
		if r.DryRun {
			word = p.coming
		}
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, word))
		}
	}
	held, failed, skipped := 0, 0, 0
	for _, f := range r.Folders {
		switch f.Result {
		case engine.Held:
			held++
		case engine.Failed:
			failed++
		case engine.Skipped:
			skipped++
		}
	}
	if held > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d folders held", held, len(r.Folders)))
	}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d folders with problems", failed, len(r.Folders)))
	}
	switch {
	case len(r.Problems) > 0:
		parts = append(parts, "not finished")
	case len(parts) == 0 && (r.DryRun || skipped > 0):
		parts = []string{"nothing to do"}
	case len(parts) == 0:
		parts = []string{"in step, nothing to do"}
	}
	if skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d folders not synced", skipped, len(r.Folders)))
	}
	if r.DryRun {
		parts = append(parts, "dry run: nothing was changed")
	}
	folders := fmt.Sprintf("%d folders", len(r.Folders))
	if len(r.Folders) == 1 {
		folders = "1 folder"
	}
	return fmt.Sprintf("%s, %s, %s", strings.Join(parts, ", "), folders, r.Duration.Round(10*time.Millisecond))
}
