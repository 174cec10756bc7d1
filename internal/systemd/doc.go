// Package systemd is the side of the daemon that systemd sees: what it was given
// at its start (sockets, a watchdog, somebody to notify), what it tells of
// itself, and its log with structured fields in the journal.
//
// It must not know what the daemon does: not accounts, jobs or D-Bus. Without
// systemd everything here is absent but harmless, so that the same program runs
// in a terminal, in a container and under cron.
//
// Nothing here starts goroutines but Watchdog, which asks its check in one of its
// own, because a check that hangs is just what it is there for.
package systemd
