// Package names maps mailbox names between a server and a Maildir tree, and
// between octets and what a person reads: modified UTF-7, hierarchy
// separators, escapes for octets that a local name cannot have, names that two
// mailboxes would share, and names that no file system should see.
//
// It must not know stores, files or the configuration; it is pure. It starts
// no goroutines.
package names
