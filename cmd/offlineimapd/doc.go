// Offlineimapd keeps IMAP accounts and local Maildirs in step, both ways. It
// reads the configuration of OfflineIMAP.
//
// This package parses the command line (commandline.go), builds everything from the
// configuration (wire.go, the only place that knows concrete types), and shows
// what happens (show.go, progress.go). As OfflineIMAP it runs in the foreground
// (foreground.go, keeper.go), with the user interfaces of internal/ui. It must not
// decide anything about mail. Main starts a goroutine for each account that runs
// at once and one that waits for signals.
package main
