// Package archtest fails the tests when a package imports what it must not,
// and says why; and when a source file breaks a rule of the house that a
// compiler does not know.
//
// It knows packages by name only and imports none of them. It starts no
// goroutines. Everything is in its tests.
package archtest
