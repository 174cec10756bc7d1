package term

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress keeps one line at the bottom of a terminal. It is used from one
// goroutine.
type Progress struct {
	W       io.Writer
	Columns func() int
	Style   Style
	Now     func() time.Time

	last  time.Time
	shown bool
}

// each says how often the line is written again, at most.
const each = 100 * time.Millisecond

// Bar is what a line of progress says.
type Bar struct {
	Label       string // what is under way
	Done, Total int
	Note        string // after the numbers
}

// Show writes the line, unless it was written a moment ago.
func (p *Progress) Show(b Bar) {
	now := p.Now()
	if p.shown && now.Sub(p.last) < each {
		return
	}
	p.last, p.shown = now, true
	columns := p.Columns()
	if columns <= 0 {
		columns = 80
	}
	fmt.Fprintf(p.W, "\r\x1b[K%s", b.render(p.Style, columns-1))
}

// Clear takes the line away, for something else to be written.
func (p *Progress) Clear() {
	if p.shown {
		fmt.Fprint(p.W, "\r\x1b[K")
		p.shown = false
	}
}

// barWidth is that of the bar itself, where there is room (columns).
const barWidth = 20

// render makes a line of at most columns.
func (b Bar) render(s Style, columns int) string {
	label := Plain(b.Label)
	var tail string
	if b.Total > 0 {
		tail = fmt.Sprintf("  %d/%d  %d%%", b.Done, b.Total, min(100, 100*b.Done/b.Total))
	}
	if b.Note != "" {
		tail += "  " + Plain(b.Note)
	}
	room := columns - Width(tail)
	bar := ""
	if b.Total > 0 && room >= Width(label)+2+barWidth {
		full := min(barWidth, barWidth*b.Done/b.Total)
		bar = "  " + string(s.Paint(Green, strings.Repeat("━", full))) + string(s.Paint(Grey, strings.Repeat("─", barWidth-full)))
		room -= 2 + barWidth
	}
	return Cut(label, max(room, 1)) + bar + tail
}
