package ui

import (
	"bytes"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// machineVersion is that of the protocol, which is OfflineIMAP's: one event a line,
// severity:command:thread:data, the last two as in the query of a URL. Fields of
// data are parted by line ends, elements of a list by form feeds.
const machineVersion = "7.2.0"

// mainThread is what the program itself is called there.
const mainThread = "MainThread"

// machineFace is machineui.
type machineFace struct {
	w     io.Writer
	least slog.Level
	buf   bytes.Buffer
}

func (f *machineFace) write(rs []record) {
	f.buf.Reset()
	for _, r := range rs {
		if r.human || r.level < f.least {
			continue
		}
		if r.banner { // it stood there before the protocol began, and readers count on it
			f.buf.WriteString(r.text)
			f.buf.WriteByte('\n')
			continue
		}
		thread, data := r.thread, strings.Join(r.data, "\n")
		if thread == "" {
			thread = mainThread
		}
		if r.command == "" {
			data = r.text
		}
		for _, part := range []string{severity(r.level), r.command, url.QueryEscape(thread)} {
			f.buf.WriteString(part)
			f.buf.WriteByte(':')
		}
		f.buf.WriteString(url.QueryEscape(data))
		f.buf.WriteByte('\n')
	}
	if f.buf.Len() > 0 {
		_, _ = f.w.Write(f.buf.Bytes())
	}
}

func severity(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "msg"
	}
	return "debug"
}
