package view

import (
	"encoding/json"
	"slices"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// Report tells what a job did; it is empty until there is something, and for a
// job that is not known any more.
func Report(j *service.Job) map[string]any {
	out := map[string]any{}
	if j == nil {
		return out
	}
	if j.Failure.Hint != "" {
		out[api.ReportHint] = Text(j.Failure.Hint)
	}
	r := j.Report
	if r == nil {
		return out
	}
	c := r.Counts
	for key, n := range map[string]int{
		api.ReportDownloaded: c.Downloaded, api.ReportUploaded: c.Uploaded,
		api.ReportFlagsLocal: c.FlagsLocal, api.ReportFlagsRemote: c.FlagsRemote,
		api.ReportRemovedLocal: c.RemovedLocal, api.ReportRemovedRemote: c.RemovedRemote,
		api.ReportPaired: c.Paired, api.ReportFolders: len(r.Folders),
	} {
		out[key] = count64(n)
	}
	out[api.ReportBytes] = uint64(max(0, c.Bytes))
	out[api.ReportSeconds] = r.Seconds
	short := *r
	short.Folders = slices.DeleteFunc(slices.Clone(r.Folders), func(f engine.Folder) bool {
		return f.Result == engine.Unchanged && len(f.Problems) == 0 && len(f.Notes) == 0
	})
	if short.Folders == nil {
		short.Folders = []engine.Folder{}
	}
	if b, err := json.Marshal(short); err == nil {
		out[api.ReportDocument] = string(b)
	}
	return out
}
