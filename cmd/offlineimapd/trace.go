package main

import (
	"slices"
	"strings"
)

// tracer returns what logs the protocol, without secrets and mails' texts; nil
// where nobody asked for it.
func tracer(asked []string, say func(text string)) func(dir byte, line string) {
	if !slices.ContainsFunc(asked, func(t string) bool {
		t = strings.ToLower(strings.TrimSpace(t))
		return t == "imap" || t == "all"
	}) {
		return nil // maildir and thread have nothing to say that a run does not tell anyway
	}
	return func(dir byte, line string) { say(string(rune(dir)) + ": " + line) }
}
