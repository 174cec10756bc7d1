// Package strip leaves header fields out of a mail that streams by. All else it
// gives octet by octet as it is, and it keeps no more of a mail in memory than a
// few lines, whatever the mail looks like.
//
// It must not know where mails come from and where they go. It starts no
// goroutines.
package strip
