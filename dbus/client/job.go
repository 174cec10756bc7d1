package client

import (
	"context"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Job is one run, as its object on the bus has it. Created and Ended are not
// known there.
type Job struct {
	api.Job
	Progress      float64 // 0 to 1
	ProgressValid bool
	Cancelable    bool
	Report        Report // zero until the end
}

// Report is what a run did, or would do.
type Report struct {
	Downloaded, Uploaded        uint64
	FlagsLocal, FlagsRemote     uint64
	RemovedLocal, RemovedRemote uint64
	Paired, Bytes, Folders      uint64
	Seconds                     float64
	Hint                        string // what to do about the error
	Document                    string // JSON; "": it did not come to run
}

// Finished tells whether the job has ended.
func (j *Job) Finished() bool { return j.State == "finished" }

// Job returns a job. The error may have the code NoSuchJob.
func (c *Client) Job(ctx context.Context, id uint32) (*Job, error) {
	path, err := c.jobPath(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := c.properties(ctx, path, api.JobInterface)
	if err != nil {
		return nil, err
	}
	j := &Job{}
	j.Update(p)
	j.ID = id
	return j, nil
}

// CancelByObject ends a job as Cancel does, by its object.
func (c *Client) CancelByObject(ctx context.Context, id uint32) error {
	path, err := c.jobPath(ctx, id)
	if err != nil {
		return err
	}
	return c.call(ctx, path, api.JobInterface+".Cancel").store()
}

// Update takes over the properties that are in p.
func (j *Job) Update(p Properties) {
	for name := range p {
		switch name {
		case "Id":
			j.ID = uint32(p.Count(name))
		case "AccountName":
			j.Account = p.Text(name)
		case "Kind":
			j.Kind = p.Text(name)
		case "Trigger":
			j.Trigger = p.Text(name)
		case "State":
			j.State = p.Text(name)
		case "Phase":
			j.Phase = p.Text(name)
		case "Folder":
			j.Folder = p.Text(name)
		case "Progress":
			j.Progress = get[float64](p, name)
		case "ProgressValid":
			j.ProgressValid = p.Bool(name)
		case "Done":
			j.Done = int(p.Count(name))
		case "Total":
			j.Total = int(p.Count(name))
		case "Bytes":
			j.Bytes = int64(p.Count(name))
		case "StartUSec":
			j.Started = momentOrNil(p.Time(name))
		case "Cancelable":
			j.Cancelable = p.Bool(name)
		case "Result":
			j.Result = p.Text(name)
		case "Error":
			j.Error = p.Failure(name)
		case "Report":
			j.Report = reportOf(get[map[string]any](p, name))
		}
	}
	if j.Error != nil {
		j.Error.Hint = j.Report.Hint
	}
}

func reportOf(m map[string]any) Report {
	n := func(name string) uint64 { return Properties(m).Count(name) }
	return Report{
		Downloaded: n(api.ReportDownloaded), Uploaded: n(api.ReportUploaded),
		FlagsLocal: n(api.ReportFlagsLocal), FlagsRemote: n(api.ReportFlagsRemote),
		RemovedLocal: n(api.ReportRemovedLocal), RemovedRemote: n(api.ReportRemovedRemote),
		Paired: n(api.ReportPaired), Bytes: n(api.ReportBytes), Folders: n(api.ReportFolders),
		Seconds:  get[float64](m, api.ReportSeconds),
		Hint:     get[string](m, api.ReportHint),
		Document: get[string](m, api.ReportDocument),
	}
}
