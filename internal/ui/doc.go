// Package ui shows a run in the foreground as OfflineIMAP's user interfaces do:
// basic, quiet, ttyui, syslog and machineui, with the lines that people's scripts
// look for, a log file beside them, and questions for passwords. What an engine
// tells becomes records; a face writes them down in the manner of one interface.
//
// It must not know the configuration, a store, a server or the service: names and
// types of repositories come in as words, and everything that happened as
// engine.Event and engine.Report. It decides nothing about a run.
//
// It starts no goroutines. Everything may be called from several at once; what one
// call says stands together, in the order of the calls. A call returns when its lines
// are written, so that whoever reads them slowly slows down the run; Password waits
// for a person, until its context ends.
package ui
