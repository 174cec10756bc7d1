// Package date reads the date that a mail's header gives, in the forms in which
// mails in the world have it.
//
// It must not know files or stores; what it says follows from its arguments. It
// starts no goroutines.
package date
