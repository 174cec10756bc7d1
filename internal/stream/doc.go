// Package stream tells anybody who connects to a socket how things are: one line
// at once, and one after each change, for status bars, prompts and editors.
//
// It must not know what the lines say, nor who changes them: Source is all it
// wants. Nothing that a reader sends is looked at, so there is nothing to be
// allowed or refused.
//
// Serve owns all goroutines and has ended them when it returns: itself, which
// accepts; one that publishes; and for each reader one that writes and one that
// notices that the reader went away.
package stream
