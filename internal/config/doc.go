// Package config reads the OfflineIMAP configuration: it finds the file, and
// turns it into typed values and a list of problems with file, line and option.
// Nothing in the file is passed over in silence: what is unknown, misplaced or
// not used yet is a warning; what would change which mails are touched, where,
// or how safely, if it were ignored, refuses its account.
//
// It must not know the engine, the stores or the daemon, opens no connection,
// runs nothing that stands in the file, and holds references to secrets that
// never print them. It starts no goroutines.
package config
