// Package notice shows a set of notes on the desktop, one notification each, by
// org.freedesktop.Notifications.
//
// It must not know what the notes are about, nor the daemon. It has no
// goroutines: one goroutine calls everything, and hands over the signals that
// its connection receives.
package notice
