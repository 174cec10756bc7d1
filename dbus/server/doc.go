// Package server shows a service.Daemon on a message bus, as the XML of
// org.offlineimap.Daemon1 has it. Every answer comes from one Status: nothing
// is exported and taken back, an object is there as long as the Status has it.
//
// It must not know how the daemon does what it is asked, nor systemd, nor
// configuration files.
//
// Serve owns all goroutines and ends them before it returns: the one that reads
// the bus, which also answers everything that only looks; one for each call that
// wants something of the daemon, a bounded number; and the publisher, which
// alone sends signals.
package server
