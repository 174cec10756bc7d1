package server

import (
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
)

// LogControl is the log, as org.freedesktop.LogControl1 wants it. Its methods do
// not wait.
type LogControl interface {
	Level() string         // one of those of syslog(3): "err", "warning", "info", "debug"
	SetLevel(string) error // an error says that there is no such level
	Target() string        // "journal", "console", ...
	Identifier() string    // of the lines in the journal
}

const (
	logLevel      = "LogLevel"
	logTarget     = "LogTarget"
	logIdentifier = "SyslogIdentifier"
)

func logProperties(l LogControl) map[string]any {
	return map[string]any{logLevel: view.Text(l.Level()), logTarget: view.Text(l.Target()), logIdentifier: view.Text(l.Identifier())}
}

// setLog sets a property of the log.
func (s *Server) setLog(property string, value any) error {
	v, ok := value.(string)
	if !ok {
		return invalid("%s is a text (s)", property)
	}
	l := s.o.LogControl
	switch property {
	case logLevel:
		before := l.Level()
		if err := l.SetLevel(v); err != nil {
			return invalid("%s: %v", logLevel, err)
		}
		if now := l.Level(); now != before {
			s.o.Log.Info("the level of the log was changed", "from", before, "to", now)
		}
		return nil
	case logTarget:
		if v != l.Target() {
			return invalid("%s is %s, and cannot be changed while the daemon runs", logTarget, brief(l.Target()))
		}
		return nil
	}
	return standard(api.ErrorPropertyReadOnly, "%s cannot be set", property)
}
