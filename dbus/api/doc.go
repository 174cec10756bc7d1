// Package api has the names and shapes of the D-Bus interface
// org.offlineimap.Daemon1: what server and clients must agree on. The XML files
// are the source; constants and structs here are held against them by tests.
//
// It must not know how anything is sent, and imports nothing of this module; it
// has no goroutines.
package api
