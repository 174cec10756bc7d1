// Package text is what Python's strings do, by characters rather than bytes: the
// kinds of characters, upper and lower case, splitting, quoting, and the format
// of numbers. Where Go's tables of Unicode and Python's say different things it
// is raise.ErrUnsupported.
//
// It must not know what a value of an expression is. It starts no goroutines.
package text
