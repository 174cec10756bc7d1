package service

import (
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/engine"
)

// task is a job as its account's loop has it.
type task struct {
	job      Job
	approve  []string // tokens
	anyway   bool     // even if paused
	progress tally
	cancel   func() // ends what it is at; nil: nothing
	canceled bool   // by a person
	failure  Failure

	asked     int    // how often a person was asked
	recovered string // of Outcome
}

// strength orders triggers, the strongest first.
func strength(t Trigger) int {
	return slices.Index([]Trigger{TriggerUser, TriggerAgent, TriggerResume, TriggerReload, TriggerStartup, TriggerTimer}, t)
}

// mostNamed bounds the folders that a job names; beyond, it takes all.
const mostNamed = 500

// wish is what somebody wants of an account.
type wish struct {
	request Request
	trigger Trigger
	approve []string
}

func (w wish) kind() Kind {
	switch {
	case w.request.DryRun:
		return KindDryRun
	case w.request.Full:
		return KindFull
	}
	return KindSync
}

func newTask(id uint32, account string, w wish, now time.Time) *task {
	t := &task{job: Job{
		ID: id, Account: account, Kind: w.kind(), Trigger: w.trigger, Reason: w.request.Reason,
		State: JobWaiting, Created: now,
	}}
	t.job.Folders = slices.Compact(slices.Sorted(slices.Values(w.request.Folders)))
	t.approve, t.anyway = w.approve, w.request.EvenIfPaused
	return t
}

// join makes the task, which has not begun, serve w as well; false: it cannot.
func (t *task) join(w wish) bool {
	j := &t.job
	if (j.Kind == KindDryRun) != w.request.DryRun {
		return false
	}
	if w.kind() == KindFull {
		j.Kind = KindFull
	}
	if len(j.Folders) > 0 {
		all := slices.Concat(j.Folders, w.request.Folders)
		slices.Sort(all)
		j.Folders = slices.Compact(all)
		if len(w.request.Folders) == 0 || len(j.Folders) > mostNamed {
			j.Folders = nil
		}
	}
	if strength(w.trigger) < strength(j.Trigger) {
		j.Trigger = w.trigger
	}
	if j.Reason == "" {
		j.Reason = w.request.Reason
	}
	t.approve = append(t.approve, w.approve...)
	t.anyway = t.anyway || w.request.EvenIfPaused
	return true
}

// tally adds up what an engine tells of a run.
type tally struct {
	Phase       Phase
	Folder      string
	Done, Total int
	Bytes       int64
}

func (t *tally) add(e engine.Event) {
	if e.Planned && e.Kind != engine.FolderEnded {
		return // nothing is copied
	}
	switch e.Kind {
	case engine.FolderStarted:
		t.Phase, t.Folder = PhaseApplying, e.Folder
		t.Total += e.Total
	case engine.FolderProgress:
		t.Folder = e.Folder
		t.Done += e.Done
		t.Bytes += e.Bytes
	case engine.FolderEnded:
		if t.Phase == PhaseConnecting {
			t.Phase = PhaseScanning
		}
	}
}
