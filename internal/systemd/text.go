package systemd

import (
	"io"
	"strconv"
	"strings"
	"sync"
)

// textSink writes lines: "warning: message key=value" for people, or
// "<4>message key=value" for a manager that takes the level from there.
type textSink struct {
	prefix bool

	mu sync.Mutex
	w  io.Writer
}

func (s *textSink) write(e *entry) error {
	var b strings.Builder
	if p := priority(e.level); s.prefix {
		b.WriteString("<" + strconv.Itoa(p) + ">")
	} else {
		b.WriteString(priorities[p].text + ": ")
	}
	b.WriteString(visible(shortBytes(e.message, maxValue), ""))
	for _, f := range e.fields {
		b.WriteString(" " + visible(f.key, "") + "=" + quoted(shortBytes(f.value, maxValue)))
	}
	b.WriteByte('\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.w, b.String())
	return err
}

// quoted leaves alone what nobody could misread.
func quoted(s string) string {
	if s == "" || firstHostile(s, "") >= 0 || strings.ContainsAny(s, " \"=") {
		return strconv.Quote(s)
	}
	return s
}
