// Package ini reads the dialect of Python 3's configparser with its default
// settings, which is the dialect of OfflineIMAP's configuration: sections,
// options, continuation lines, [DEFAULT], and %(name)s interpolation on demand.
// Every option keeps the lines it was written on.
//
// It must not know any option, and no file: it reads octets from memory. Octets
// that are not UTF-8 are kept. Its errors never quote a value, for that may be
// a password. It starts no goroutines.
//
// What Python 3 refuses is refused, with three differences: all errors are
// reported, not only the first; an interpolation that would grow beyond reason
// is an error too; and what is repeated is read as Python 2 read it, and told.
// Who knows that a file is Python 2's can have its comments taken off, too.
// Interpolation is the same in both. An upper-case sigma at the end of an option's name is
// lowered to σ, where Python writes ς.
package ini
