// Offlineimap-applet is what the desktop sees of offlineimapd: it tells of new
// mail, of an account that needs a password, and of a plan that waits for a
// person; and it asks for passwords when the daemon wants one.
//
// This package decides what is to be shown (news.go, pure), what follows from a
// button (act.go), and answers the daemon's questions (ask.go). It must not know
// more of the daemon than org.offlineimap.Daemon1 tells, and never starts it.
// One goroutine, in applet.run, owns everything; what may take long runs in
// goroutines that it waits for at the end. One more waits for each mail program
// or terminal that was started, for as long as that runs.
package main
