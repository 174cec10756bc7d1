package main

import "slices"

// Types of -d. Maildirs and threads have nothing to say that a run does not tell
// anyway.
var debugTypes = []string{"imap", "maildir", "thread"}

// debugging sorts what -d asks for into types that there are, and others.
func debugging(asked []string) (known, unknown []string) {
	for _, t := range asked {
		switch {
		case t == "ALL" || t == "all":
			known = append(known, debugTypes...)
		case slices.Contains(debugTypes, t):
			known = append(known, t)
		default:
			unknown = append(unknown, t)
		}
	}
	return known, unknown
}

// tracer returns what logs the protocol, without secrets and mails' texts; nil
// where nobody asked for it.
func tracer(asked []string, account string, note func(account, text string)) func(dir byte, line string) {
	if known, _ := debugging(asked); !slices.Contains(known, "imap") {
		return nil
	}
	return func(dir byte, line string) { note(account, "imap: "+string(rune(dir))+": "+line) }
}
