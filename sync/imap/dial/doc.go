// Package dial opens the connection over which IMAP is spoken: TCP, TLS with
// the roots, the file or the fingerprints that a person trusts, or the standard
// input and output of a command.
//
// It must not know IMAP, stores' contracts beyond the class of an error, or
// configuration files. A tunnel has one goroutine that reads what the command
// says on standard error and waits for its end; Close of the connection ends
// it. Nothing else here starts goroutines.
package dial
