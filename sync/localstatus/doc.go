// Package localstatus reads what OfflineIMAP last agreed on with a server and a
// Maildir, so that a person who changes over finds everything as it was: rows
// of UIDs and flags (LocalStatus-sqlite and the older LocalStatus), and the
// UIDVALIDITY that they are about (FolderValidity).
//
// It must not lock or open with SQLite any file of OfflineIMAP's: a database is
// copied, with the journal that an interrupted OfflineIMAP left beside it, and the
// copy is read. It must not write any but by WriteMapping, which no run calls: a
// person asks for it, who goes back with two servers. It must not judge what the
// rows mean for a mail; that is the engine's part. It starts no goroutines.
package localstatus
