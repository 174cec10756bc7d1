package ui

import (
	"bytes"
	"io"
	"log/slog"
)

// plainFace is basic and quiet: bare lines.
type plainFace struct {
	w     io.Writer
	least slog.Level
	buf   bytes.Buffer
}

func (f *plainFace) write(rs []record) {
	f.buf.Reset()
	for _, r := range rs {
		if r.text != "" && r.level >= f.least {
			f.buf.WriteString(r.text)
			f.buf.WriteByte('\n')
		}
	}
	if f.buf.Len() > 0 {
		_, _ = f.w.Write(f.buf.Bytes())
	}
}

// ttyFace is ttyui: who speaks is said where that changes, and what is not said by
// the program itself stands a blank to the right.
type ttyFace struct {
	w     io.Writer
	least slog.Level
	last  string
	buf   bytes.Buffer
}

func (f *ttyFace) write(rs []record) {
	f.buf.Reset()
	for _, r := range rs {
		if r.text == "" || r.level < f.least {
			continue
		}
		if r.thread != "" {
			if r.thread != f.last {
				f.buf.WriteString(r.thread)
				f.buf.WriteString(":\n")
			}
			f.buf.WriteByte(' ')
		}
		f.last = r.thread
		f.buf.WriteString(r.text)
		f.buf.WriteByte('\n')
	}
	if f.buf.Len() > 0 {
		_, _ = f.w.Write(f.buf.Bytes())
	}
}
