// Package prompt asks a person for a secret, with whatever program the desktop
// has for it: zenity, kdialog or pinentry.
//
// It must not know whom the secret is for, and never puts one into an argument,
// a log or an error. A program runs while Ask waits for it, in a process group
// of its own that ends with Ask's context; so do its goroutines.
package prompt
