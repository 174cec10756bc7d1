// Package doctor looks at everything that may keep mail from being in step: the
// session bus, systemd's view of the daemon, the daemon itself, configuration,
// the machine, and each account's server and folders.
//
// Every check is carried out or left out where it cannot be: none is assumed.
// What it tells can be shown to strangers: no secrets, and no user names beyond
// the names of accounts (redact.go).
//
// It must not know how results are shown, and changes nothing. The checks of
// accounts run in goroutines of Examine, which ends after them.
package doctor
