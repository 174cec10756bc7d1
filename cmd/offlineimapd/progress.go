package main

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/sync/engine"
)

// progress keeps one line at the bottom of a terminal: the folder that moved
// last, how many of its mails are done, and how fast the run goes.
type progress struct {
	w       io.Writer
	width   func() int
	folders map[string]*copying
	started time.Time // of the first copy
	mails   int       // copied in the whole run
	last    time.Time
	shown   bool
}

type copying struct{ done, total int }

// each says how often the line is written again, at most.
const each = 100 * time.Millisecond

func (p *progress) event(account string, e engine.Event) {
	if e.Planned {
		return
	}
	if p.folders == nil {
		p.folders = map[string]*copying{}
	}
	key := account + "/" + e.Folder
	switch e.Kind {
	case engine.FolderStarted:
		p.folders[key] = &copying{total: e.Total}
		if p.started.IsZero() {
			p.started = time.Now()
		}
		return
	case engine.FolderEnded:
		delete(p.folders, key)
		return
	case engine.FolderProgress:
	default:
		return
	}
	c := p.folders[key]
	if c == nil {
		return
	}
	c.done += e.Done
	p.mails += e.Done
	now := time.Now()
	if now.Sub(p.last) < each {
		return
	}
	p.last = now
	rate := float64(p.mails) / max(now.Sub(p.started).Seconds(), 0.001)
	line := fmt.Sprintf("%s  %d/%d  %.0f mails/s", plain(key), c.done, c.total, rate)
	if w := p.width() - 1; utf8.RuneCountInString(line) > w && w > 0 {
		r := []rune(line)
		line = "…" + string(r[len(r)-w+1:])
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.shown = true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
