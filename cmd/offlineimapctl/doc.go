// Offlineimapctl controls and shows offlineimapd. It is a plain client of the
// daemon's D-Bus interface, with one file a verb.
//
// Results go to standard output, everything else to standard error; with --json
// results are documents or, where they have no end, lines. exit.go has the one
// table of exit statuses.
//
// It must not know how mail is synchronised or where configuration stands: what
// is not on the bus it has offlineimapd say. Its goroutines are those of
// dbus/client, and one that waits for the answer to a question.
package main
