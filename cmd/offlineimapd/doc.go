// Offlineimapd keeps IMAP accounts and local Maildirs in step, both ways. It
// reads the configuration of OfflineIMAP.
//
// This package parses the command line (main.go), builds everything from the
// configuration (wire.go, the only place that knows concrete types), and shows
// what happens (show.go, progress.go). It must not decide anything about mail.
// Main starts a goroutine for each account that runs at once and one that
// waits for signals.
package main
