// Package service is the daemon without any transport: one loop an account
// decides when to run and runs it, jobs are values that anybody can look at, and
// one immutable Status tells how everything is.
//
// It must not know D-Bus, systemd, configuration files, IMAP or Maildir: what it
// needs of them it declares as small interfaces (Loader, Runner, Memory, Asker).
//
// Service.Run starts all goroutines and ends them before it returns: the book,
// which alone owns what is known of accounts, jobs and problems; one loop an
// account, which alone decides for that account and never waits for anything but
// its next message; and one goroutine for each run that is under way. Loops tell
// the book; the book never waits for a loop.
package service
