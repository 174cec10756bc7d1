// Package client speaks to the daemon over the session bus: a typed method for
// every member of org.offlineimap.Daemon1, one stream of typed events, a way to
// wait for jobs that misses no signal, and an agent that answers questions for
// passwords.
//
// It must not know what is done with any of it, and imports dbus/api and godbus
// only; nothing of godbus shows in what it exports. The connection has godbus'
// goroutines, which end with Close. Each Subscription has one more, which ends
// with its Close or with the connection; an Agent's methods are called from
// goroutines of the connection.
package client
