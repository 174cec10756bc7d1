// Package maildir is the store for a tree of Maildir folders on this machine,
// with the layout and the file names of OfflineIMAP: a mail that has a UID on
// the server carries it as ",U=<uid>,FMD5=<md5 of the folder's visible name>".
//
// It must not know the engine, the state or any protocol, and it writes
// nothing but the Maildir and the marker file in its root. Any file name is
// accepted, and that another program renames or removes a file at any moment
// is no error; nothing is ever overwritten.
//
// It has no goroutine of its own. Commit starts one for each sync that the
// kernel would not interrupt, which ends with that sync.
package maildir
