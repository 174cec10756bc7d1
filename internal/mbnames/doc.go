// Package mbnames writes the file that tells mutt and other programs what local
// mailboxes there are, as OfflineIMAP's section [mbnames] has it made.
//
// What each account has is kept in a directory, one file an account, in
// OfflineIMAP's format: either program goes on with what the other left. The
// output is made of all of them, so that people who run their accounts from
// several configurations, or by several programs, get one list of them all.
//
// It must not know the configuration, the engine, or how Python is evaluated: the
// functions of the configuration are passed in. It starts no goroutines.
package mbnames
