package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
)

// blanked stands for the value of a secret.
const blanked = "[not logged]"

// eventKey is the attribute that says what kind of message this is.
const eventKey = "event"

// field is one attribute, ready to be written.
type field struct {
	key   string // with the groups around it, joined by dots
	value string
}

// entry is one line of the log.
type entry struct {
	level   slog.Level
	message string
	event   string // "" or the value of the attribute "event"
	fields  []field
	pc      uintptr // where it was logged; 0: not known, or not to be told
}

// sink is where entries go. It may be called from several goroutines.
type sink interface {
	write(e *entry) error
}

// handler makes entries of slog's records, and blanks what must not be logged.
type handler struct {
	level  slog.Leveler
	sink   sink
	groups []string
	fixed  []field // of WithAttrs
	event  string
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	e := &entry{level: r.Level, message: r.Message, event: h.event, fields: slices.Clip(h.fixed)}
	if r.Level < slog.LevelInfo {
		e.pc = r.PC
	}
	r.Attrs(func(a slog.Attr) bool {
		e.fields = appendAttr(e.fields, &e.event, h.groups, a)
		return true
	})
	return h.sink.write(e)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.fixed = slices.Clip(h.fixed)
	for _, a := range attrs {
		next.fixed = appendAttr(next.fixed, &next.event, h.groups, a)
	}
	return &next
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.groups = append(slices.Clip(h.groups), name)
	return &next
}

// appendAttr adds one attribute, a group's in its order. A secret is not even
// resolved.
func appendAttr(fields []field, event *string, groups []string, a slog.Attr) []field {
	if secret(a.Key) || slices.ContainsFunc(groups, secret) {
		return append(fields, field{path(groups, a.Key), blanked})
	}
	v := a.Value.Resolve()
	switch {
	case a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil:
		return fields
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			groups = append(slices.Clip(groups), a.Key)
		}
		for _, inner := range v.Group() {
			fields = appendAttr(fields, event, groups, inner)
		}
		return fields
	case a.Key == eventKey && len(groups) == 0:
		*event = v.String()
		return fields
	}
	if v.Kind() == slog.KindString && v.String() == "" {
		return fields // nothing to select by, and nothing to read
	}
	return append(fields, field{path(groups, a.Key), text(v)})
}

func path(groups []string, key string) string {
	if len(groups) == 0 {
		return key
	}
	return strings.Join(groups, ".") + "." + key
}

// text writes a value. fmt survives values whose methods panic.
func text(v slog.Value) string {
	if v.Kind() == slog.KindAny {
		return fmt.Sprint(v.Any())
	}
	return v.String()
}

// secrets are the words that no attribute has in its name whose value may be
// seen.
var secrets = []string{"password", "secret", "token"}

// secret tells whether a key has one of the words, however they are joined:
// oauth2_token, accessToken, PASSWORD; not tokens_left, which counts.
func secret(key string) bool {
	start, prev := 0, rune(0)
	check := func(end int) bool {
		return slices.ContainsFunc(secrets, func(s string) bool { return strings.EqualFold(key[start:end], s) })
	}
	for i, r := range key {
		switch {
		case !unicode.IsLetter(r):
			if check(i) {
				return true
			}
			start = i + len(string(r))
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			if check(i) {
				return true
			}
			start = i
		}
		prev = r
	}
	return check(len(key))
}
